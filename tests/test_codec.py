"""Bodies in JSON and XML: what is sent can be read by a PBX, what comes is read as it was meant or refused in words."""

from __future__ import annotations

import json

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.codec import NULL, Unreadable, decode, encode
from pbxsync.sandbox import bodies

KINDS = pytest.mark.parametrize("kind", ["json", "xml"])
HOSTILE = "<>&\"'\\/]]> ]]&amp; <!-- %20 {} äöü 漢字 😀 ‮"

# What both formats can carry: no control characters, no half surrogates.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=20)
FIELDS = st.dictionaries(st.sampled_from(["name", "prefix", "matchpattern", "prepend", "callerid", "trunks"]), TEXTS)


def read(text: str | bytes, kind: str = "json") -> object:
    return decode(text.encode() if isinstance(text, str) else text, kind)


def refusal(text: str | bytes, kind: str) -> str:
    with pytest.raises(Unreadable) as caught:
        read(text, kind)
    return str(caught.value)


# --- what is sent ---


def test_a_json_request_is_one_flat_object_in_utf_8() -> None:
    body = encode({"name": "Ä", "prefix": ""}, "json")
    assert json.loads(body) == {"name": "Ä", "prefix": ""}
    assert "Ä".encode() in body


def test_an_xml_request_is_the_manuals_declaration_and_one_xml_element_with_the_fields_in_it() -> None:
    body = encode({"name": "Ä<1>", "prefix": ""}, "xml")
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8" ?>\n<xml>')
    root = fromstring(body)
    assert [(child.tag, child.text or "") for child in root] == [("name", "Ä<1>"), ("prefix", "")]


@KINDS
def test_no_text_breaks_out_of_its_field_in_a_request(kind: bodies.Format) -> None:
    assert bodies.read(encode({"name": HOSTILE, "trunks": "a"}, kind), kind) == {"name": HOSTILE, "trunks": "a"}


@given(FIELDS, st.sampled_from(["json", "xml"]))
def test_what_is_sent_arrives_at_the_sandbox_as_it_was(fields: dict[str, str], kind: bodies.Format) -> None:
    assert bodies.read(encode(fields, kind), kind) == fields


@KINDS
def test_half_a_surrogate_pair_in_a_request_is_no_crash(kind: str) -> None:
    assert encode({"name": "a\ud800"}, kind)


# --- what comes ---


@given(st.lists(FIELDS, max_size=3), st.sampled_from(["json", "xml"]))
def test_what_the_sandbox_answers_is_read_as_it_was_meant(items: list[dict[str, str]], kind: bodies.Format) -> None:
    rows = [{"id": str(n), **item} for n, item in enumerate(items)]
    body = bodies.write({"status": "Success", "outroutes": list(rows)}, kind)
    # An element without children may be an empty list as well as an empty text: XML doesn't say.
    assert decode(body, kind) == {"status": "Success", "outroutes": rows or ([] if kind == "json" else "")}


@given(st.lists(FIELDS, min_size=1, max_size=3))
def test_items_right_under_the_root_are_a_list_called_item(items: list[dict[str, str]]) -> None:
    rows = [{"id": str(n), **item} for n, item in enumerate(items)]
    body = bodies.write({"status": "Success", "outroutes": list(rows)}, "xml", "bare")
    assert decode(body, "xml") == {"status": "Success", "item": rows}


def test_every_single_json_value_is_text() -> None:
    body = '{"id": 19, "big": 123456789012345678901234567890, "float": 1.50, "exp": 1E400, "nan": NaN, '
    assert read(body + '"null": null, "yes": true, "no": false}') == {
        "id": "19",
        "big": "123456789012345678901234567890",
        "float": "1.50",
        "exp": "1E400",
        "nan": "NaN",
        "null": "",
        "yes": "true",
        "no": "false",
    }


def test_a_number_of_any_length_is_read() -> None:
    digits = "9" * 10_000
    assert read(f'{{"id": {digits}}}') == {"id": digits}


def test_half_a_surrogate_pair_in_json_becomes_the_replacement_character() -> None:
    assert read(r'{"\ud800k": "a\udfffb", "ok": "\ud83d\ude00"}') == {"\ufffdk": "a\ufffdb", "ok": "😀"}


def test_a_byte_order_mark_is_no_part_of_the_answer() -> None:
    assert read(b"\xef\xbb\xbf" + b'{"status": "Success"}') == {"status": "Success"}
    assert read(b"\xef\xbb\xbf" + b"<xml><status>Success</status></xml>", "xml") == {"status": "Success"}


@pytest.mark.parametrize("before", [b"\n", b" \r\n\t", b"\n\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf\n"])
def test_blank_lines_and_byte_order_marks_before_an_answer_are_passed_over(before: bytes) -> None:
    assert read(before + b'{"status": "Success"}') == {"status": "Success"}
    declaration = b'<?xml version="1.0" encoding="utf-8"?>'
    assert read(before + declaration + b"<xml><status>Success</status></xml>", "xml") == {"status": "Success"}


@pytest.mark.parametrize(
    ("kind", "body", "notice"),
    [
        ("json", '<br />\n<b>Notice</b>: x\n{"status": "Success"}', "<br />\n<b>Notice</b>: x\n"),
        ("json", 'PHP Warning: { in x\n{ "status": "Success"}', "PHP Warning: { in x\n"),
        ("xml", "<b>Notice</b><xml><status>Success</status></xml>", "<b>Notice</b>"),
        ("xml", "Notice\n<?xml version='1.0'?><xml/>", "Notice\n"),
    ],
)
def test_text_before_an_answer_is_told_from_other_text_and_kept(kind: str, body: str, notice: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body, kind)
    assert str(caught.value) == f"text before the {kind.upper()}, such as a notice of PHP (-vv shows it)"
    assert caught.value.notice == notice


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", '{"status": {"a": }'),
        ("json", '[{"status": '),
        ("json", "<?xml version='1.0'?><xml><a>{\"b\"</a></xml>"),
        ("json", '<html>{"status": "Success"}</html>'),
        ("json", "text and no more"),
        ("xml", '{"a": "<xml/>"}'),
        ("xml", "<xml><xml></xml>"),
        ("xml", "<?xml version='1.0'?><?xml version='1.0'?><xml/>"),
        ("xml", "<!DOCTYPE xml [<!ENTITY a 'b'>]><xml/>"),
    ],
)
def test_what_is_no_text_before_an_answer_is_not_kept(kind: str, body: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(body, kind)
    assert caught.value.notice == ""


def test_a_null_is_equal_to_an_empty_text_and_still_known() -> None:
    answer = decode(b'{"a": null, "b": ""}', "json")
    assert answer == {"a": "", "b": ""}
    assert answer["a"] is NULL
    assert answer["b"] is not NULL


def test_layout_around_xml_text_is_not_part_of_it_but_spaces_are() -> None:
    body = "<xml>\n  <status>\n    Success\n  </status>\n  <name> a </name>\n  <prefix>\n  </prefix>\n</xml>\n"
    assert read(body, "xml") == {"status": "Success", "name": " a ", "prefix": ""}


def test_xml_character_references_and_cdata_are_text() -> None:
    assert read("<xml><a>&lt;&#228;&#x1F600;&amp;</a><b><![CDATA[<x>&]]></b></xml>", "xml") == {
        "a": "<ä😀&",
        "b": "<x>&",
    }


def test_xml_in_another_encoding_is_read_as_it_says() -> None:
    assert read("<?xml version='1.0' encoding='iso-8859-1'?><xml><a>ä</a></xml>".encode("latin-1"), "xml") == {"a": "ä"}


def test_an_xml_list_keeps_its_order_and_one_item_is_a_list_too() -> None:
    several = "<xml><l><item id='1'><n>b</n></item><item id='0'><n>a</n></item></l></xml>"
    assert read(several, "xml") == {"l": [{"n": "b"}, {"n": "a"}]}
    assert read("<xml><l><item><n>b</n></item></l></xml>", "xml") == {"l": [{"n": "b"}]}


@pytest.mark.parametrize("body", ["<xml></xml>", "<xml/>", "<xml> \n </xml>", "<xml><!-- nothing --></xml>"])
def test_an_xml_answer_without_fields_has_none(body: str) -> None:
    assert read(body, "xml") == {}


# --- what is not what was promised ---

PAGE = "<!DOCTYPE html>\n<html><head><title>Login</title></head><body>&nbsp;</body></html>"
LAUGHS = '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml><status>&b;</status></xml>'
OUTSIDE = '<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><status>&a;</status></xml>'


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("json", "", "an empty answer"),
        ("json", " \r\n\t ", "an empty answer"),
        ("xml", "", "an empty answer"),
        ("json", PAGE, "a page of HTML instead of JSON"),
        ("json", "  <HTML><body>no</body></HTML>", "a page of HTML instead of JSON"),
        ("json", "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "a page of HTML"),
        ("xml", PAGE, "a page of HTML instead of XML"),
        ("xml", "<html><body/></html>", "a page of HTML instead of XML"),
        ("xml", "<html xmlns='http://www.w3.org/1999/xhtml'/>", "a page of HTML instead of XML"),
        ("xml", f"<!-- {'x' * 3000} --><html/>", "bytes that are not XML"),
        ("json", "<xml><status>Success</status></xml>", "XML or a web page instead of JSON"),
        ("xml", '{"status": "Success"}', "JSON instead of XML"),
        ("xml", "[]", "JSON instead of XML"),
        ("json", "[]", "a list instead of fields"),
        ("json", '"Success"', "a single value instead of fields"),
        ("json", "null", "a single value instead of fields"),
        ("json", "42", "a single value instead of fields"),
        ("xml", "<xml>Success</xml>", "a single value instead of fields"),
        ("json", '{"status": "Succ', "bytes that are not JSON"),
        ("json", '{"status": "Success"} {"status": "Failed"}', "bytes that are not JSON"),
        ("xml", "<xml><status>Success</sta", "25 bytes that are not XML (line 1"),
        ("xml", "<xml></xml><xml></xml>", "bytes that are not XML"),
        ("json", "Success", "7 bytes that are not JSON (Expecting value"),
        ("xml", "Success", "7 bytes that are not XML (line 1, column 1)"),
        ("xml", "<?xml version='1.0' encoding='nonsense'?><xml/>", "their encoding is not known"),
        ("xml", "<?xml version='1.0' encoding='gbk'?><xml/>", "their encoding is not known"),
        ("xml", LAUGHS, "a DTD or entities, which are not read"),
        ("xml", OUTSIDE, "a DTD or entities, which are not read"),
        ("json", '{"status": "Failed", "status": "Success"}', "a field given twice"),
        ("json", '{"outroutes": [{"id": "1", "id": "2"}]}', "a field given twice"),
        ("xml", "<xml><outroutes>a</outroutes><outroutes>b</outroutes></xml>", "a field given twice"),
    ],
)
def test_an_answer_that_is_not_what_was_promised_is_described(kind: str, body: str, said: str) -> None:
    assert said in refusal(body, kind)


@KINDS
def test_bytes_that_are_no_text_are_described(kind: str) -> None:
    assert f"bytes that are not {kind.upper()}" in refusal(b"\x80\xfe\x00\xff", kind)


def test_json_that_is_not_utf_8_is_described() -> None:
    assert "they are not UTF-8" in refusal('{"name": "ä"}'.encode("latin-1"), "json")


@pytest.mark.parametrize("depth", [30, 5_000, 200_000])
@pytest.mark.parametrize(
    ("kind", "opening", "closing", "outside"),
    [
        ("json", "[", "]", ('{"a": ', "}")),
        ("json", '{"a": ', "}", ("", "")),
        ("xml", "<a>", "</a>", ("<xml>", "</xml>")),
        ("xml", "<item>", "</item>", ("<xml>", "</xml>")),
    ],
)
def test_an_answer_nested_deeper_than_any_is_refused(
    kind: str, opening: str, closing: str, outside: tuple[str, str], depth: int
) -> None:
    middle = "1" if kind == "json" else ""
    body = f"{outside[0]}{opening * depth}{middle}{closing * depth}{outside[1]}"
    assert refusal(body, kind) == "an answer nested deeper than any of this API"


@KINDS
def test_a_refusal_to_read_repeats_nothing_of_the_answer(kind: str) -> None:
    for body in ("s3cret", "{s3cret", "<s3cret>", "<xml>&s3cret;</xml>", "<?xml version='1.0' encoding='s3cret'?><a/>"):
        assert "s3cret" not in refusal(body, kind)
