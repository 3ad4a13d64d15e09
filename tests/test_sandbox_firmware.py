"""The sandbox as other firmware, over real sockets and with none of pbxsync's own client."""

from __future__ import annotations

import collections
import itertools
import json
import random
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.equal_names import may_be_equal
from pbxsync.sandbox import Firmware, HeldRoute, Sandbox, SandboxError
from pbxsync.sandbox.collation import folded
from pbxsync.sandbox.firmware import EqualNames
from tests import firmwares
from tests.plain_client import (
    FORMATS,
    STORED,
    SUCCESS,
    TO16,
    add_request,
    address,
    ask,
    connected,
    encode,
    failed,
    raw,
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


def test_names_that_a_rule_takes_for_equal_may_be_equal_for_pbxsync() -> None:
    letters = "aAäåüÜuyÿßẞsSéeıiİøoﬁf路Kkſµμςσｘx \t\xa0\xad\u200b\u0308\U0001f4de\U0001f600"
    texts = [*letters, *map("".join, itertools.product(letters, repeat=2))]
    for rule in get_args(EqualNames)[1:]:
        equal = collections.defaultdict(list)
        for text in texts:
            equal[folded(text, rule)].append(text)
        assert max(map(len, equal.values())) > 1
        for group in equal.values():
            for one, other in itertools.combinations(group, 2):
                assert may_be_equal(one, other), (rule, one, other)


# --- fields ----------------------------------------------------------------------------------------------------------


@FORMATS
def test_a_pattern_of_which_the_filter_leaves_nothing_is_stored_empty(fmt: str) -> None:
    with pbx(filter_fields=True) as sandbox:
        assert add(sandbox, "x", fmt, matchpattern="all!", prefix="") == SUCCESS
        assert shown(sandbox, fmt=fmt) == [STORED | {"name": "x", "matchpattern": "", "prefix": ""}]


LONG = {"matchpattern": "X" * 58 + "[2-9]", "prefix": "1" * 61, "prepend": "2" * 101}


@FORMATS
def test_long_fields_are_cut_also_inside_brackets(fmt: str) -> None:
    with pbx(field_limits="cut") as sandbox:
        assert add(sandbox, "x", fmt, **LONG) == SUCCESS
        cut = {"matchpattern": "X" * 58 + "[2", "prefix": "1" * 60, "prepend": "2" * 100}
        assert shown(sandbox, fmt=fmt) == [STORED | {"name": "x"} | cut]


@FORMATS
@pytest.mark.parametrize("field", sorted(LONG))
def test_a_strict_add_of_a_long_field_leaves_a_route_that_no_query_lists(fmt: str, field: str) -> None:
    with pbx(TO16, field_limits="strict", same_name="refuse") as sandbox:
        assert add(sandbox, "x", fmt, **{field: LONG[field]}) == failed("30006")
        assert names(sandbox, fmt=fmt) == [route["name"] for route in sandbox.routes()] == ["to16"]
        assert names(sandbox, "x", fmt) == []
        assert sandbox.held()[1:] == [HeldRoute("2", "x", "", listed=False)]
        assert add(sandbox, "x", fmt) == failed("30005")
        assert ask(sandbox, "outroute/delete", {"name": "x"}, fmt=fmt) == SUCCESS
        assert add(sandbox, "x", fmt) == SUCCESS
        assert [route["id"] for route in shown(sandbox, fmt=fmt)] == ["1", "3"]


@FORMATS
@pytest.mark.parametrize("field", sorted(LONG))
def test_a_strict_update_with_a_long_field_leaves_the_route_without_a_pattern(fmt: str, field: str) -> None:
    with pbx(WEB_PAGE, field_limits="strict") as sandbox:
        sent = {"id": "1", "name": "new", "trunks": "trunk2", field: LONG[field]}
        assert ask(sandbox, "outroute/update", sent, fmt=fmt) == failed("30006")
        assert shown(sandbox, fmt=fmt) == [STORED | EMERGENCY | {"name": "new", "prefix": "", "matchpattern": ""}]
        assert sandbox.held() == [HeldRoute("1", "new", "trunk1")]


@pytest.mark.parametrize(
    ("odd", "stored"),
    [
        ({}, "trunk2,Trunk1,x"),
        ({"trunk_case": True}, "trunk2,trunk1,x"),
        ({"unknown_trunk": "drop"}, "trunk2"),
        ({"unknown_trunk": "nothing"}, "trunk2,,"),
        ({"unknown_trunk": "nothing", "trunk_case": True}, "trunk2,trunk1,"),
    ],
)
@FORMATS
def test_trunks_are_stored_as_the_firmware_knows_them(odd: dict[str, Any], stored: str, fmt: str) -> None:
    with pbx(TO16, **odd) as sandbox:
        assert add(sandbox, "x", fmt, trunks="trunk2,Trunk1,x") == SUCCESS
        assert ask(sandbox, "outroute/update", {"id": "1", "trunks": "trunk2,Trunk1,x"}, fmt=fmt) == SUCCESS
        assert [route["trunks"] for route in shown(sandbox, fmt=fmt)] == [stored, stored]


def test_a_call_with_an_unknown_trunk_is_refused_and_changes_nothing() -> None:
    with pbx(EMERGENCY, unknown_trunk="refuse") as sandbox:
        before = sandbox.held()
        assert add(sandbox, "x", trunks="trunk1,Trunk2") == failed("30007")
        assert ask(sandbox, "outroute/update", {"id": "1", "trunks": "x"}) == failed("30007")
        assert sandbox.held() == before
        assert ask(sandbox, "outroute/update", {"id": "1", "prefix": "9"}) == SUCCESS
        assert ask(sandbox, "outroute/update", {"id": "1", "trunks": ""}) == SUCCESS


def test_of_two_trunks_of_one_name_the_first_is_taken_and_a_trunk_may_come_twice() -> None:
    trunks = [{"trunkname": name} for name in ("Carrier", "carrier")]
    with Sandbox(tokens=["t"], trunks=trunks, firmware=Firmware(trunk_case=True, unknown_trunk="refuse")) as sandbox:
        assert add(sandbox, "x", trunks="CARRIER,carrier,CARRIER") == SUCCESS
        assert sandbox.routes()[0]["trunks"] == "Carrier,carrier,Carrier"


@FORMATS
def test_trunks_are_stored_with_entities(fmt: str) -> None:
    with pbx(html_trunks=True) as sandbox:
        assert add(sandbox, "a & b", fmt, trunks="carrier & sons,<b>") == SUCCESS
        assert shown(sandbox, fmt=fmt) == [STORED | {"name": "a & b", "trunks": "carrier &amp; sons,&lt;b&gt;"}]


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


# --- ids that are gone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "answer", "expected"),
    [
        ("refuse", failed("30004"), ["emergency"]),
        ("success-nothing", SUCCESS, ["emergency"]),
        ("make-route", SUCCESS, ["emergency", "to16"]),
    ],
)
@FORMATS
def test_an_update_of_an_unknown_id_ends_as_the_firmware_does(
    how: Any, answer: Any, expected: list[str], fmt: str
) -> None:
    with pbx(EMERGENCY, unknown_id=how) as sandbox:
        assert ask(sandbox, "outroute/update", TO16 | {"id": "7"}, fmt=fmt) == answer
        assert names(sandbox, fmt=fmt) == expected
        assert shown(sandbox, fmt=fmt)[1:] == [STORED | {"id": "2"}] * (len(expected) - 1)


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


# --- queries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ("works", ["a", "c"]),
        ("all", ["a", "b", "c"]),
        ("none", []),
        ("first", ["c"]),
        ("whole", []),
    ],
)
@FORMATS
def test_a_query_for_names_is_answered_as_the_firmware_does(how: Any, found: list[str], fmt: str) -> None:
    with pbx(*(TO16 | {"name": name} for name in "abc"), named_query=how) as sandbox:
        assert names(sandbox, "c,a", fmt) == found
        assert names(sandbox, fmt=fmt) == ["a", "b", "c"]
        assert ask(sandbox, "outroute/delete", {"name": "c,a"}, fmt=fmt) == SUCCESS


def test_a_query_for_names_is_refused_or_takes_a_comma_for_a_part_of_a_name() -> None:
    with pbx(TO16, named_query="refuse") as sandbox:
        assert ask(sandbox, "outroute/query", {"name": "to16"}) == failed("30004")
        assert names(sandbox) == ["to16"]
    with pbx(TO16, TO16 | {"name": "a,b"}, named_query="whole") as sandbox:
        assert names(sandbox, "to16") == ["to16"]
        assert names(sandbox, "a,b") == ["a,b"]


@FORMATS
def test_a_first_page_is_shown_while_a_query_for_names_finds_the_others(fmt: str) -> None:
    with pbx(*(TO16 | {"name": name} for name in "abcd"), page=2) as sandbox:
        assert names(sandbox, fmt=fmt) == ["a", "b"]
        assert names(sandbox, "d,c,a", fmt) == ["a", "c", "d"]
        assert add(sandbox, "e", fmt) == SUCCESS
        assert names(sandbox, fmt=fmt) == ["a", "b"]
        assert names(sandbox, "e", fmt) == ["e"]


EMPTY = [
    ("list", {"outroutes": []}, {"outroutes": ""}),
    ("null", {"outroutes": None}, {"outroutes": ""}),
    ("text", {"outroutes": ""}, {"outroutes": ""}),
    ("object", {"outroutes": {}}, {"outroutes": ""}),
    ("item", {"outroutes": [{}]}, {"outroutes": [""]}),
    ("missing", {}, {}),
]


@pytest.mark.parametrize(("how", "in_json", "in_xml"), EMPTY)
def test_an_empty_list_is_shown_as_the_firmware_does(how: Any, in_json: Any, in_xml: Any) -> None:
    with pbx(empty_as=how) as sandbox:
        assert ask(sandbox, "outroute/query", {"name": "all"}) == SUCCESS | in_json
        assert ask(sandbox, "outroute/query", {"name": "all"}, fmt="xml") == SUCCESS | in_xml
        assert add(sandbox, "to16") == SUCCESS
        assert shown(sandbox) == shown(sandbox, fmt="xml") == [STORED]


@FORMATS
def test_success_has_an_errno_beside_it_in_queries_for_routes(fmt: str) -> None:
    with pbx(TO16, success_errno="0") as sandbox:
        answer = ask(sandbox, "outroute/query", {"name": "all"}, fmt=fmt)
        assert answer == SUCCESS | {"errno": "0", "outroutes": [STORED]}
        assert add(sandbox, "x", fmt) == SUCCESS


# --- faults in the middle of a change --------------------------------------------------------------------------------


def struck(*faults: str, routes: str = "abc", **odd: Any) -> Sandbox:
    held = [TO16 | {"name": name} for name in routes]
    return Sandbox(tokens=["t"], faults=faults, routes=held, firmware=Firmware(**odd))


@FORMATS
@pytest.mark.parametrize(("insert", "kept"), [("bottom", ["a"]), ("top", ["x"])])
def test_an_add_that_fails_in_the_middle_loses_the_routes_that_come_after(fmt: str, insert: Any, kept: Any) -> None:
    with struck("outroute/add@1=half:1", insert=insert) as sandbox:
        assert add(sandbox, "x", fmt) == failed("30006")
        assert names(sandbox, fmt=fmt) == kept
        assert names(sandbox, "a,b,c,x", fmt) == kept
        assert sorted(route.name for route in sandbox.held()) == ["a", "b", "c", "x"]
        assert add(sandbox, "y", fmt) == SUCCESS
        assert sorted(names(sandbox, fmt=fmt)) == sorted([*kept, "y"])


def test_an_add_dies_with_its_connection_and_by_default_nothing_is_listed() -> None:
    with struck("outroute/add@1=die", "outroute/add@2=half") as sandbox:
        with pytest.raises(ConnectionResetError):
            raw(sandbox, add_request())
        assert names(sandbox) == []
        assert len(sandbox.held()) == 4
        assert add(sandbox, "y") == failed("30006")
        assert add(sandbox, "z") == SUCCESS
        assert names(sandbox) == ["z"]


@FORMATS
def test_an_update_that_fails_in_the_middle_leaves_the_route_without_a_pattern(fmt: str) -> None:
    sent = {"id": "1", "name": "new", "matchpattern": "9.", "prefix": "1", "trunks": "trunk2"}
    with Sandbox(tokens=["t"], routes=[WEB_PAGE], faults=["outroute/update@1=half"]) as sandbox:
        assert ask(sandbox, "outroute/update", sent, fmt=fmt) == failed("30006")
        assert sandbox.held() == [HeldRoute("1", "new", "trunk1")]
        assert ask(sandbox, "outroute/update", sent, fmt=fmt) == SUCCESS
        assert shown(sandbox, fmt=fmt) == [STORED | sent]


@FORMATS
def test_a_call_is_carried_out_and_answered_with_failed(fmt: str) -> None:
    with struck("outroute/add@1=fail-done:7", "outroute/delete@1=fail-done") as sandbox:
        assert add(sandbox, "x", fmt) == failed("7")
        assert ask(sandbox, "outroute/delete", {"name": "a"}, fmt=fmt) == {"status": "Failed"}
        assert names(sandbox, fmt=fmt) == ["b", "c", "x"]


# --- faults in an answer ---------------------------------------------------------------------------------------------


@FORMATS
def test_one_query_is_short_and_the_next_is_right(fmt: str) -> None:
    with struck("outroute/query@1=short:2", "outroute/query@2=short:0") as sandbox:
        assert names(sandbox, fmt=fmt) == ["a", "b"]
        assert names(sandbox, fmt=fmt) == []
        assert names(sandbox, fmt=fmt) == ["a", "b", "c"]


@pytest.mark.parametrize(("how", "in_json", "in_xml"), EMPTY[1:])
def test_one_query_loses_its_list(how: str, in_json: Any, in_xml: Any) -> None:
    with struck(f"outroute/query@1-2=lost-list:{how}") as sandbox:
        assert ask(sandbox, "outroute/query", {"name": "all"}) == SUCCESS | in_json
        assert ask(sandbox, "outroute/query", {"name": "all"}, fmt="xml") == SUCCESS | in_xml
        assert names(sandbox) == ["a", "b", "c"]


def test_a_php_list_is_an_object_with_gaps_in_json() -> None:
    with struck("*@*=phplist", routes="ab") as sandbox:
        answer = ask(sandbox, "outroute/query", {"name": "all"})
        assert {key: route["name"] for key, route in answer["outroutes"].items()} == {"0": "a", "2": "b"}
        assert names(sandbox, fmt="xml") == ["a", "b"]
        assert add(sandbox, "x") == SUCCESS
        assert list(ask(sandbox, "trunklist/query")["trunkname"]) == ["0", "2", "4", "6", "8"]


@FORMATS
def test_an_answer_has_an_errno_beside_its_status(fmt: str) -> None:
    with struck("outroute/add@1=errno:10003") as sandbox:
        assert add(sandbox, "x", fmt) == SUCCESS | {"errno": "10003"}
        assert len(sandbox.routes()) == 4


def body(sandbox: Sandbox, call: str, fmt: str, status: int = 200) -> bytes:
    with connected(sandbox) as connection:
        response, answer = send(connection, call, encode({"name": "all"}, fmt), query=f"token=t&type={fmt}")
    assert response.status == status
    return answer


@FORMATS
def test_a_notice_or_a_blank_line_comes_before_the_answer(fmt: str) -> None:
    with struck("outroute/query@1=notice", "outroute/query@2=blank") as sandbox:
        noticed, blank, plain = (body(sandbox, "outroute/query", fmt) for _ in range(3))
        assert noticed.startswith(b"<br />\n<b>Notice</b>: ")
        assert noticed.endswith(b"<br />\n" + plain)
        assert blank == b"\n" + plain


@pytest.mark.parametrize(
    ("status", "header", "value"), [(429, "Retry-After", "1"), (303, "Location", "/"), (408, "Location", None)]
)
def test_a_status_comes_with_the_header_that_belongs_to_it(status: int, header: str, value: str | None) -> None:
    with struck(f"heartbeat@*=status:{status}") as sandbox, connected(sandbox) as connection:
        response, _ = send(connection, "heartbeat")
        assert (response.status, response.getheader(header)) == (status, value)


def test_an_empty_body_stays_empty_whatever_strikes_it() -> None:
    faults = ["nostatus", "short:1", "errno:1", "wrong-type", "phplist"]
    numbered = [f"outroute/query@{n}=after:{kind}" for n, kind in enumerate(faults, start=1)]
    with struck(*numbered, name_limit=1, name_limit_unit="bytes") as sandbox:
        assert add(sandbox, "ü") == SUCCESS
        assert [body(sandbox, "outroute/query", "json") for _ in faults] == [b""] * len(faults)


# --- faults on the wire ----------------------------------------------------------------------------------------------

HEARTBEAT = b"POST /api/v0.0.1/heartbeat?token=t&type=json HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
LAST_HEARTBEAT = HEARTBEAT.replace(b"\r\nContent", b"\r\nConnection: close\r\nContent")


def test_an_answer_comes_twice() -> None:
    with struck("heartbeat@1=double") as sandbox:
        once = raw(sandbox, LAST_HEARTBEAT + LAST_HEARTBEAT)
        assert once.count(b"HTTP/1.1 200 OK") == once.count(b'{"status":"Success"}') == 2
        assert raw(sandbox, LAST_HEARTBEAT) * 2 == once
        assert len(sandbox.requests) == 2


def test_an_answer_comes_once_more_before_the_answer_to_the_next_request() -> None:
    with struck("heartbeat@1=double-late:0.05", routes="a") as sandbox:
        everything = raw(sandbox, HEARTBEAT + LAST_HEARTBEAT.replace(b"heartbeat", b"deviceinfo/query"))
        first, second, third = everything.split(b"HTTP/1.1 200 OK")[1:]
        assert first == second
        assert b"deviceinfo" in third
    with struck("heartbeat@1=double-late:3600") as sandbox, socket.create_connection(address(sandbox), 5) as client:
        client.sendall(HEARTBEAT)
        assert client.recv(65536)
        sandbox.close()
        assert client.recv(65536) == b""


@FORMATS
def test_an_answer_is_longer_than_its_length_says(fmt: str) -> None:
    with struck("heartbeat@1=long:3", "heartbeat@2=long") as sandbox:
        request = LAST_HEARTBEAT.replace(b"json", fmt.encode())
        answers = [raw(sandbox, request) for _ in range(3)]
        assert answers == [answers[2] + b"\n\n\n", answers[2] + b"\n", answers[2]]
        length = re.search(rb"Content-Length: (\d+)", answers[0])
        assert length
        assert len(answers[0].partition(b"\r\n\r\n")[2]) == int(length[1]) + 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("outroute/query@1=short", "write short:ITEMS"),
        ("outroute/query@1=lost-list:gone", "write lost-list:null"),
        ("outroute/query@1=half", "half is for outroute/add and outroute/update"),
        ("outroute/delete@1=die", "die is for outroute/add and outroute/update"),
        ("outroute/add@1=before:double", "double is always after the call"),
        ("outroute/add@1=long:-1", r"write long\[:BYTES\]"),
    ],
)
def test_a_bad_fault_says_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(SandboxError, match=f"bad fault .*: {why}"):
        Sandbox(faults=[text])


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
