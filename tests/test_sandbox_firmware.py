"""The sandbox as other firmware, over real sockets and with none of pbxsync's own client."""

from __future__ import annotations

import json
import random
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.sandbox import Firmware, HeldRoute, Sandbox, SandboxError
from tests import firmwares
from tests.plain_client import (
    FORMATS,
    STORED,
    SUCCESS,
    TO16,
    address,
    ask,
    connected,
    encode,
    failed,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

EMERGENCY = {"name": "emergency", "matchpattern": "911", "trunks": "trunk1"}
HIDDEN = {"pin": "1234", "emergency": "yes"}
#: A route as the web page makes it.
WEB_PAGE: dict[str, Any] = EMERGENCY | {
    "patterns": ["911", "112", {"prefix": "9", "matchpattern": "911", "callerid": "2XX"}],
    "hidden": HIDDEN,
}


def pbx(*routes: Mapping[str, Any], store: Path | None = None, **odd: Any) -> Sandbox:
    return Sandbox(tokens=["t"], routes=routes, store=store, firmware=Firmware(**odd))


def add(sandbox: Sandbox, name: str, fmt: str = "json", **fields: str) -> Any:
    return ask(sandbox, "outroute/add", TO16 | {"name": name} | fields, fmt=fmt)


def shown(sandbox: Sandbox, name: str = "all", fmt: str = "json") -> list[Any]:
    """The routes that a query shows."""
    answer = ask(sandbox, "outroute/query", {"name": name}, fmt=fmt)
    assert answer["status"] == "Success"
    return list(answer["outroutes"])


def names(sandbox: Sandbox, name: str = "all", fmt: str = "json") -> list[str]:
    return [route["name"] for route in shown(sandbox, name, fmt)]


def stored_name(sandbox: Sandbox) -> str:
    (route,) = sandbox.routes()
    return route["name"]


# --- names -----------------------------------------------------------------------------------------------------------


@FORMATS
def test_a_long_name_is_cut_to_so_many_characters(fmt: str) -> None:
    with pbx(name_limit=40) as sandbox:
        assert add(sandbox, "ü" * 41, fmt) == SUCCESS
        assert add(sandbox, "y" * 40, fmt) == SUCCESS
        assert names(sandbox, fmt=fmt) == ["ü" * 40, "y" * 40]
        assert ask(sandbox, "outroute/update", {"id": "2", "name": "z" * 45}, fmt=fmt) == SUCCESS
        assert names(sandbox, fmt=fmt) == ["ü" * 40, "z" * 40]
        assert ask(sandbox, "outroute/delete", {"name": "z" * 45}, fmt=fmt) == failed("30004")
        assert ask(sandbox, "outroute/delete", {"name": "z" * 40}, fmt=fmt) == SUCCESS


def test_a_long_name_is_refused_and_nothing_is_changed() -> None:
    with pbx(EMERGENCY, name_limit=40, name_limit_effect="refuse") as sandbox:
        before = sandbox.held()
        assert add(sandbox, "x" * 41) == failed("30006")
        assert ask(sandbox, "outroute/update", {"id": "1", "name": "x" * 41, "trunks": "trunk2"}) == failed("30006")
        assert sandbox.held() == before
        assert add(sandbox, "x" * 40) == SUCCESS


def test_bytes_are_counted_and_a_name_of_whole_signs_is_readable() -> None:
    with pbx(name_limit=40, name_limit_unit="bytes") as sandbox:
        assert add(sandbox, "ü" * 30) == SUCCESS
        assert names(sandbox) == ["ü" * 20]
    with pbx(name_limit=40, name_limit_unit="bytes", name_limit_effect="refuse") as sandbox:
        assert add(sandbox, "ü" * 21) == failed("30006")
        assert add(sandbox, "ü" * 20) == SUCCESS


@FORMATS
@pytest.mark.parametrize("sign", ["ü", "路", "\U0001f4de"])
def test_a_name_cut_inside_a_sign_leaves_every_query_without_a_body(tmp_path: Path, fmt: str, sign: str) -> None:
    long = "x" * 39 + sign
    for restarted in (False, True):
        with pbx(EMERGENCY, store=tmp_path / "store.json", name_limit=40, name_limit_unit="bytes") as sandbox:
            if not restarted:
                assert add(sandbox, long, fmt) == SUCCESS
            for name in ("all", "emergency"):
                with connected(sandbox) as connection:
                    query = encode({"name": name}, fmt)
                    response, body = send(connection, "outroute/query", query, query=f"token=t&type={fmt}")
                assert (response.status, body) == (200, b"")
            assert ask(sandbox, "trunklist/query", fmt=fmt)["status"] == "Success"
    with pbx(store=tmp_path / "store.json", name_limit=40, name_limit_unit="bytes") as sandbox:
        assert ask(sandbox, "outroute/delete", {"name": "all"}, fmt=fmt) == SUCCESS
        assert list(shown(sandbox, fmt=fmt)) == []


@FORMATS
def test_a_name_cut_inside_a_sign_is_shown_as_null(fmt: str) -> None:
    with pbx(name_limit=40, name_limit_unit="bytes", broken_name="null") as sandbox:
        assert add(sandbox, "x" * 39 + "ü", fmt) == SUCCESS
        (route,) = shown(sandbox, fmt=fmt)
        assert route == STORED | {"name": None if fmt == "json" else ""}


@pytest.mark.parametrize(
    ("form", "sent", "stored"),
    [
        ("as-is", " a  b&\U0001f4de ", " a  b&\U0001f4de "),
        ("html", "a & b <c> \"d\" 'e'", "a &amp; b &lt;c&gt; &quot;d&quot; &#039;e&#039;"),
        ("squash", "a   b  c ", "a b c "),
        ("slug", "Büro (2) a_b-c", "Büro__2__a_b-c"),
        ("upper", "Büro x", "BÜRO X"),
        ("mb3", "路 \U0001f4de x", "路 "),
        ("mb3", "ü", "ü"),
    ],
)
@FORMATS
def test_a_name_is_stored_in_another_form(form: Any, sent: str, stored: str, fmt: str) -> None:
    with pbx(store_name=form) as sandbox:
        assert add(sandbox, sent, fmt) == SUCCESS
        assert names(sandbox, fmt=fmt) == [stored]
        assert ask(sandbox, "outroute/update", {"id": "1", "name": sent + "x"}, fmt=fmt) == SUCCESS
        assert stored_name(sandbox)[: len(stored.rstrip())] == stored.rstrip()
        assert names(sandbox, stored_name(sandbox)) == [stored_name(sandbox)]


def test_a_name_is_cut_after_it_was_brought_into_its_form() -> None:
    with pbx(store_name="html", name_limit=10) as sandbox:
        add(sandbox, "a & b & c & d")
        assert stored_name(sandbox) == "a &amp; b "


EQUAL = [
    ("case", "Büro", "bÜRO  "),
    ("accents", "Büro", "BURO "),
    ("accents", "Büro", "Bu\u0308ro"),
    ("accents", "to 16", "ｔｏ\u00a01\u200b\u00ad６"),
    ("german", "Straße", "strasse"),
    ("german", "hq \U0001f4de", "HQ \U0001f600"),
    ("general", "Straße", "STRASE"),
    ("general", "Büro", "buro"),
    ("general", "hq \U0001f4de", "hq \U0001f600"),
    ("swedish", "Müller", "MYLLER"),
    ("swedish", "café", "CAFE"),
]
UNEQUAL = [
    ("exact", "a", "A"),
    ("exact", "a", "a "),
    ("case", "a", " a"),
    ("case", "Büro", "Buro"),
    ("case", "Straße", "STRASSE"),
    ("accents", "Straße", "Strasse"),
    ("accents", "a \U0001f4de", "a \U0001f600"),
    ("german", "Straße", "Strase"),
    ("german", "a b", "a  b"),
    ("general", "Straße", "Strasse"),
    ("general", "Büro", "Bu\u0308ro"),
    ("swedish", "Bär", "Bar"),
    ("swedish", "Müller", "Muller"),
]


@pytest.mark.parametrize(("rule", "one", "other"), EQUAL)
def test_equal_names_are_queried_deleted_and_refused_as_one(rule: Any, one: str, other: str) -> None:
    with pbx(TO16 | {"name": one}, EMERGENCY, equal_names=rule, same_name="refuse") as sandbox:
        assert names(sandbox, other) == [one]
        assert names(sandbox, f"unknown,{other}") == [one]
        assert add(sandbox, other) == failed("30005")
        assert ask(sandbox, "outroute/update", {"id": "2", "name": other}) == failed("30005")
        assert ask(sandbox, "outroute/update", {"id": "1", "name": other}) == SUCCESS
        assert ask(sandbox, "outroute/delete", {"name": one}) == SUCCESS
        assert names(sandbox) == ["emergency"]


@pytest.mark.parametrize(("rule", "one", "other"), UNEQUAL)
def test_names_that_a_rule_does_not_take_for_equal_stay_apart(rule: Any, one: str, other: str) -> None:
    with pbx(TO16 | {"name": one}, equal_names=rule, same_name="refuse") as sandbox:
        assert names(sandbox, other) == []
        assert ask(sandbox, "outroute/delete", {"name": other}) == failed("30004")
        assert add(sandbox, other) == SUCCESS
        assert names(sandbox) == [one, other]


def test_one_delete_takes_all_routes_of_equal_names() -> None:
    with pbx(*(TO16 | {"name": name} for name in ("Munchen", "x", "München")), equal_names="accents") as sandbox:
        assert ask(sandbox, "outroute/delete", {"name": "münchen"}) == SUCCESS
        assert names(sandbox) == ["x"]


# --- the place of a new route ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("insert", "expected"),
    [("bottom", ["c", "a", "B", "0"]), ("top", ["0", "B", "c", "a"]), ("sorted", ["0", "a", "B", "c"])],
)
@FORMATS
def test_a_new_route_goes_to_its_place(insert: Any, expected: list[str], fmt: str) -> None:
    with pbx(TO16 | {"name": "c"}, TO16 | {"name": "a"}, insert=insert) as sandbox:
        for name in ("B", "0"):
            assert add(sandbox, name, fmt) == SUCCESS
        assert names(sandbox, fmt=fmt) == expected
        assert [route["name"] for route in sandbox.routes()] == expected


def test_a_sorted_table_moves_a_renamed_route() -> None:
    with pbx(*(TO16 | {"name": name} for name in "ab"), insert="sorted") as sandbox:
        assert ask(sandbox, "outroute/update", {"id": "1", "name": "c"}) == SUCCESS
        assert names(sandbox) == ["b", "c"]


# --- what the web page makes -----------------------------------------------------------------------------------------


@FORMATS
def test_a_route_with_several_patterns_shows_the_lowest_by_text(fmt: str) -> None:
    with pbx(WEB_PAGE) as sandbox:
        expected = STORED | EMERGENCY | {"prefix": "", "matchpattern": "112"}
        assert shown(sandbox, fmt=fmt) == shown(sandbox, "emergency", fmt=fmt) == [expected]
        assert sandbox.routes() == [expected]


@FORMATS
def test_a_route_with_several_patterns_is_shown_once_for_each(fmt: str) -> None:
    with pbx(WEB_PAGE, TO16, show_patterns="each") as sandbox:
        fields = ("id", "name", "prefix", "matchpattern", "callerid")
        assert [tuple(route[field] for field in fields) for route in shown(sandbox, fmt=fmt)] == [
            ("1", "emergency", "", "911", ""),
            ("1", "emergency", "", "112", ""),
            ("1", "emergency", "9", "911", "2XX"),
            ("2", "to16", "16", "X.", ""),
        ]
        assert len(sandbox.routes()) == 2


@pytest.mark.parametrize("hidden", ["reset", "keep"])
def test_an_update_replaces_all_patterns_and_resets_or_keeps_the_hidden_fields(tmp_path: Path, hidden: Any) -> None:
    pattern = {"prepend": "", "prefix": "0", "matchpattern": "911", "callerid": ""}
    with pbx(WEB_PAGE, store=tmp_path / "store.json", update_hidden=hidden) as sandbox:
        assert [len(route.patterns) for route in sandbox.held()] == [3]
        assert ask(sandbox, "outroute/update", {"id": "1", "name": "sos", "trunks": "b"} | pattern) == SUCCESS
        expected = HeldRoute("1", "sos", "b", (pattern,), HIDDEN if hidden == "keep" else {})
        assert sandbox.held() == [expected]
    with pbx(store=tmp_path / "store.json") as sandbox:
        assert sandbox.held() == [expected]


def test_an_update_without_a_pattern_keeps_the_patterns() -> None:
    with pbx(WEB_PAGE) as sandbox:
        (before,) = sandbox.held()
        assert ask(sandbox, "outroute/update", {"id": "1", "trunks": "trunk2"}) == SUCCESS
        (after,) = sandbox.held()
        assert (after.patterns, after.trunks) == (before.patterns, "trunk2")


def test_what_the_web_page_made_survives_in_the_store(tmp_path: Path) -> None:
    bare = EMERGENCY | {"name": "bare", "patterns": []}
    gone = EMERGENCY | {"name": "gone", "listed": False}
    with pbx(WEB_PAGE, bare, gone, store=tmp_path / "store.json") as sandbox:
        add(sandbox, "new")
        held = sandbox.held()
    with pbx(store=tmp_path / "store.json") as sandbox:
        assert sandbox.held() == held
        assert [(len(route.patterns), route.listed) for route in held] == [(3, True), (0, True), (1, False), (1, True)]
        assert [route["matchpattern"] for route in shown(sandbox)] == ["112", "", "X."]
        assert [route["name"] for route in sandbox.routes()] == ["emergency", "bare", "new"]


@pytest.mark.parametrize(
    "odd",
    [
        {"patterns": "911"},
        {"patterns": [1]},
        {"patterns": [{"matchpattern": 1}]},
        {"patterns": [{"name": "x"}]},
        {"hidden": ["pin"]},
        {"hidden": {"pin": 1}},
        {"listed": "no"},
    ],
)
def test_an_odd_route_is_an_error_that_says_what_it_may_have(odd: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match=f"has '{next(iter(odd))}'; its fields are strings: id, .*patterns"):
        Sandbox(routes=[EMERGENCY | odd])


# --- connections -----------------------------------------------------------------------------------------------------


def answers_until_the_end(sandbox: Sandbox, requests: int) -> int:
    """Send requests over one connection, and return how many were answered before it was closed without a word."""
    with socket.create_connection(address(sandbox), timeout=5) as client, client.makefile("rb") as stream:
        for answered in range(requests):
            client.sendall(b"POST /api/v0.0.1/heartbeat?token=t&type=json HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            head = b"".join(iter(stream.readline, b"\r\n"))
            assert b"Connection: close" not in head
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length
            assert json.loads(stream.read(int(length[1]))) == SUCCESS
            if answered + 1 == requests:
                break
        return len(stream.read())


def test_a_connection_is_closed_after_so_many_answers_without_a_word() -> None:
    with pbx(close_after=3) as sandbox:
        assert answers_until_the_end(sandbox, 3) == 0
        assert answers_until_the_end(sandbox, 3) == 0
        assert (sandbox.connections, len(sandbox.requests)) == (2, 6)


@pytest.mark.parametrize("after", [None, 2])
def test_a_connection_is_closed_so_long_after_an_answer_without_a_word(after: int | None) -> None:
    with pbx(close_idle=0.05, close_after=after) as sandbox:
        assert answers_until_the_end(sandbox, 2) == 0
        assert len(sandbox.requests) == 2


# --- how a firmware is written ---------------------------------------------------------------------------------------


def test_a_firmware_is_read_from_texts() -> None:
    texts = ["name-limit=40", "insert=top", "filter_fields=yes", "close_idle=0.5", "page=none", "success-errno=0"]
    expected: dict[str, Any] = {"name_limit": 40, "insert": "top", "filter_fields": True, "close_idle": 0.5}
    expected |= {"success_errno": "0"}
    assert Firmware.parse(texts) == Firmware(**expected)
    assert Firmware.parse(texts).odd() == expected
    assert Firmware.parse([]) == Firmware()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no ''"),
        ("limit=40", "there is no 'limit'"),
        ("name_limit=", r"write name_limit=NUMBER\|none"),
        ("name_limit=0", r"write name_limit=NUMBER\|none"),
        ("name_limit=4.5", r"write name_limit=NUMBER\|none"),
        ("close_idle=nan", r"write close_idle=NUMBER\|none"),
        ("insert=left", r"write insert=bottom\|top\|sorted"),
        ("insert", r"write insert=bottom\|top\|sorted"),
        ("trunk_case=true", r"write trunk_case=yes\|no"),
    ],
)
def test_a_bad_firmware_is_an_error_that_says_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(SandboxError, match=f"bad firmware .*: {why}.*close_idle=NUMBER"):
        Firmware.parse([text])


@pytest.mark.parametrize("odd", [{"page": True}, {"page": "1"}, {"page": 1.5}, {"insert": "left"}, {"trunk_case": 1}])
def test_a_value_of_the_wrong_kind_is_an_error(odd: dict[str, Any]) -> None:
    with pytest.raises(SandboxError, match="bad firmware"):
        Firmware(**odd)


def test_every_field_can_be_drawn_and_every_named_firmware_too() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret is drawn
    drawn = [firmwares.drawn(dice) for _ in range(3000)]
    assert set(firmwares.ODDITIES) == set(Firmware.__dataclass_fields__)
    seen = {(name, value) for firmware in drawn for name, value in firmware.odd().items()}
    assert {(name, value) for name, values in firmwares.ODDITIES.items() for value in values} <= seen
    assert set(firmwares.NAMED.values()) <= set(drawn)


@given(firmwares.firmwares(), st.sampled_from(["json", "xml"]))
def test_every_firmware_answers_every_call(firmware: Firmware, fmt: str) -> None:
    with Sandbox(tokens=["t"], routes=[WEB_PAGE, TO16], firmware=firmware) as sandbox:
        for call, fields in (
            ("outroute/add", TO16 | {"name": "a & b ü"}),
            ("outroute/update", {"id": "1", "name": "x", "matchpattern": "9.", "trunks": "trunk1"}),
            ("outroute/query", {"name": "all"}),
            ("outroute/delete", {"name": "to16"}),
        ):
            assert ask(sandbox, call, fields, fmt=fmt)["status"] in ("Success", "Failed")


def test_the_documentation_has_every_field_of_a_firmware_with_its_values() -> None:
    with pytest.raises(SandboxError) as caught:
        Firmware.parse([""])
    shapes = dict(shape.split("=") for shape in str(caught.value).split("A firmware has ")[1].split(", "))
    text = (Path(__file__).parent.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([a-z_]+)=([^`]*)` \|", text, re.MULTILINE))
    assert {name: value.replace("\\|", "|") for name, value in documented.items()} == shapes
