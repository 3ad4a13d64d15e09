"""Answers → routes, trunks and device: both layouts of a list, and no list misread as an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxsync.answers import MAX_FIELD, MAX_ROUTES, RouteAnswer, device_info, route_list, trunk_list
from pbxsync.codec import Unreadable, decode
from pbxsync.model import DeviceInfo, KnownRoute, Route, Trunk
from pbxsync.sandbox import bodies
from tests.strategies import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pbxsync.codec import Value

    #: The fields of an answer, and the format that they came in.
    Given: TypeAlias = tuple[dict[str, Value], str]

TO16 = '{"id": "1", "name": "to16", "matchpattern": "X.", "prefix": "16", "trunks": "a"}'
KNOWN16 = KnownRoute(Route("to16", "X.", ("a",), prefix="16"), "1")


def json(body: str) -> Given:
    return decode(body.encode(), "json"), "json"


def xml(inner: str) -> Given:
    return decode(f"<xml><status>Success</status>{inner}</xml>".encode(), "xml"), "xml"


@given(tables(), st.sampled_from(["json", "xml"]), st.sampled_from(["wrapped", "bare"]))
def test_the_routes_of_a_pbx_are_read_as_they_are_in_any_format_and_layout(
    table: list[Route], fmt: bodies.Format, layout: bodies.Layout
) -> None:
    rows = [
        {
            "id": str(n),
            "name": route.name,
            "prefix": route.prefix,
            "matchpattern": route.matchpattern,
            "prepend": route.prepend,
            "callerid": route.callerid,
            "trunks": ",".join(route.trunks),
        }
        for n, route in enumerate(table, start=7)
    ]
    answer = decode(bodies.write({"status": "Success", "outroutes": rows}, fmt, layout), fmt)
    if not table and (fmt, layout) == ("xml", "bare"):
        # Nothing tells an empty list from a missing one here, and missing must not count as empty.
        with pytest.raises(Unreadable):
            route_list(answer, fmt)
    else:
        known = tuple(KnownRoute(route, str(n)) for n, route in enumerate(table, start=7))
        assert route_list(answer, fmt) == RouteAnswer(known)


@pytest.mark.parametrize(
    ("answer", "certain"),
    [
        (json('{"outroutes": []}'), True),
        (json('{"errno": "0", "outroutes": []}'), True),
        (json('{"errno": null, "outroutes": []}'), True),
        (xml("<outroutes/>"), True),
        (xml("<outroutes></outroutes>"), True),
        (xml("<errno/><outroutes>\n   </outroutes>"), True),
        (json('{"outroutes": null}'), False),
        (json('{"outroutes": ""}'), False),
        (json('{"outroutes": {}}'), False),
        (json('{"outroutes": {"item": []}}'), False),
        (json('{"outroutes": [{}]}'), False),
        (json('{"outroutes": [null]}'), False),
        (json('{"outroutes": [""]}'), False),
        (json('{"outroutes": [[], {}]}'), False),
        (json('{"outroutes": {"0": {}}}'), False),
        (json('{"outroutes": [{"id": "", "name": null, "trunks": ""}]}'), False),
        (xml("<outroutes><item/></outroutes>"), False),
        (xml("<outroutes><item id='0'></item></outroutes>"), False),
        (xml("<outroutes><item><id/><name/><trunks/></item></outroutes>"), False),
        (xml("<item/>"), False),
    ],
)
def test_an_answer_without_routes_is_certain_only_where_it_is_plainly_an_empty_list(
    answer: Given, certain: bool
) -> None:
    assert route_list(*answer) == RouteAnswer((), certain)


@pytest.mark.parametrize(
    "answer",
    [
        json(f'{{"outroutes": [{TO16}]}}'),
        json(f'{{"outroutes": {TO16}}}'),
        json(f'{{"outroutes": {{"item": [{TO16}]}}}}'),
        json(f'{{"item": [{TO16}]}}'),
        xml(
            "<outroutes><item id='0'><id>1</id><name>to16</name><matchpattern>X.</matchpattern><prefix>16</prefix>"
            "<trunks>a</trunks></item></outroutes>"
        ),
        xml(
            "\n<item id='0'>\n<id>1</id><name>to16</name><matchpattern>X.</matchpattern><prefix>16</prefix>"
            "<trunks>a</trunks></item>"
        ),
    ],
)
def test_a_single_route_is_read_in_every_layout(answer: Given) -> None:
    assert route_list(*answer) == RouteAnswer((KNOWN16,))


@pytest.mark.parametrize("keys", [("0", "2"), ("7", "5"), ("b", "a"), ("name", "id")])
def test_a_list_that_is_an_object_is_read_in_the_order_of_the_object(keys: tuple[str, str]) -> None:
    first = '{"id": "1", "name": "b", "matchpattern": "X.", "trunks": "t"}'
    second = '{"id": "2", "name": "a", "matchpattern": "X.", "trunks": "t"}'
    answer = json(f'{{"outroutes": {{"{keys[0]}": {first}, "{keys[1]}": {second}}}}}')
    assert [(known.id, known.route.name) for known in route_list(*answer).routes] == [("1", "b"), ("2", "a")]


def test_an_empty_element_does_not_hide_the_items_beside_it() -> None:
    items = "<outroutes/><item><id>1</id><name>to16</name><matchpattern>X.</matchpattern><prefix>16</prefix>"
    assert route_list(*xml(f"{items}<trunks>a</trunks></item>")) == RouteAnswer((KNOWN16,))


def test_a_number_is_as_good_an_id_as_a_text_and_without_one_there_is_none() -> None:
    rows = '[{"id": 19, "name": "a", "trunks": ""}, {"id": null, "name": "b", "trunks": ""}, '
    answer = json('{"outroutes": ' + rows + '{"name": "c", "matchpattern": "1"}]}')
    assert [(known.id, known.route.name) for known in route_list(*answer).routes] == [
        ("19", "a"),
        (None, "b"),
        (None, "c"),
    ]


def test_fields_that_are_null_or_missing_are_empty_and_trunks_lose_the_space_around_their_commas() -> None:
    answer = json(
        '{"outroutes": [{"id": "1", "name": "a", "matchpattern": null, "callerid": {}, "trunks": " a , b,,"}]}'
    )
    assert route_list(*answer) == RouteAnswer((KnownRoute(Route("a", "", ("a", "b")), "1"),))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (json('{"status": "Success"}'), "no list of routes"),
        (json('{"status": "Success", "routes": []}'), "no list of routes"),
        (xml(""), "no list of routes"),
        (json('{"outroutes": false}'), "text instead of a list"),
        (json('{"outroutes": "none"}'), "text instead of a list"),
        (xml("<outroutes>error</outroutes>"), "text instead of a list"),
        (json('{"outroutes": ["to16"]}'), "entry 1 of outroutes that is not a set of fields"),
        (json(f'{{"outroutes": [{TO16}, [{TO16}]]}}'), "entry 2 of outroutes that is not a set of fields"),
        (json(f'{{"outroutes": [{TO16}, null]}}'), "entry 2 of outroutes that is not a set of fields"),
        (xml("<outroutes><item>x</item></outroutes>"), "entry 1 of outroutes that is not a set of fields"),
        (json(f'{{"outroutes": [{TO16}, {{}}]}}'), "entry 2 of outroutes that is not a route"),
        (json(f'{{"outroutes": {{"0": {TO16}, "1": "x"}}}}'), "entry 1 of outroutes that is not a route"),
        (
            json('{"status": "Success", "errno": "30004", "outroutes": []}'),
            "Success and an errno at once; try --type x",
        ),
        (json('{"status": "Success", "errno": ["1"], "outroutes": []}'), "Success and an errno at once"),
        (xml("<errno>1</errno><outroutes/>"), "Success and an errno at once; try --type json"),
        (json(f'{{"outroutes": [{TO16}, {{"name": null, "trunks": "a"}}]}}'), "null as the name of entry 2"),
        (json('{"outroutes": [{"id": "1"}]}'), "entry 1 of outroutes that is not a route"),
        (json('{"outroutes": [{"name": "a"}]}'), "entry 1 of outroutes that is not a route"),
        (json('{"outroutes": {"error": "busy"}}'), "entry 1 of outroutes that is not a route"),
        (json('{"outroutes": [{"name": ["a"], "trunks": "a"}]}'), "a list or fields instead of text in name"),
        (json('{"outroutes": [{"name": "a", "trunks": ["a"]}]}'), "a list or fields instead of text in trunks"),
        (json('{"outroutes": [{"name": "a", "trunks": "a", "id": {"n": "1"}}]}'), "instead of text in id"),
    ],
)
def test_what_is_no_list_of_routes_is_never_taken_for_an_empty_one(answer: Given, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        route_list(*answer)
    assert said in str(caught.value)


@pytest.mark.parametrize("field", ["id", "name", "prefix", "matchpattern", "prepend", "callerid", "trunks"])
def test_a_field_that_no_pbx_has_room_for_is_refused(field: str) -> None:
    longest: dict[str, Value] = {"name": "a", "matchpattern": "X.", "trunks": "t", field: "9" * MAX_FIELD}
    assert len(route_list({"outroutes": [longest]}, "json").routes) == 1
    longer: dict[str, Value] = {**longest, field: "9" * (MAX_FIELD + 1)}
    with pytest.raises(Unreadable, match=f"{MAX_FIELD + 1} characters in {field} of entry 1 of outroutes"):
        route_list({"outroutes": [longer]}, "json")


def test_more_routes_than_any_pbx_has_room_for_are_refused() -> None:
    row: dict[str, Value] = {"name": "a", "matchpattern": "X.", "trunks": "t"}
    assert len(route_list({"outroutes": [row] * MAX_ROUTES}, "json").routes) == MAX_ROUTES
    with pytest.raises(Unreadable, match=f"{MAX_ROUTES + 1} routes, more than"):
        route_list({"outroutes": [row] * (MAX_ROUTES + 1)}, "json")


@pytest.mark.parametrize(
    "answer",
    [
        json('{"trunkname": [{"trunkname": "a", "status": "Registered", "type": "SIP"}, {"trunkname": "b"}]}'),
        xml(
            "<trunkname><item id='0'><trunkname>a</trunkname><status>Registered</status><type>SIP</type></item>"
            "<item id='1'><trunkname>b</trunkname><status/></item></trunkname>"
        ),
        xml(
            "<item id='0'><trunkname>a</trunkname><status>Registered</status><type>SIP</type></item>"
            "<item id='1'><trunkname>b</trunkname></item>"
        ),
    ],
)
def test_trunks_are_read_in_every_layout(answer: Given) -> None:
    assert trunk_list(answer[0]) == (Trunk("a", "Registered", "SIP"), Trunk("b", "", ""))


@pytest.mark.parametrize("answer", [json('{"status": "Success"}'), json('{"trunkname": []}'), xml("<trunkname/>")])
def test_a_pbx_may_have_no_trunks(answer: Given) -> None:
    assert trunk_list(answer[0]) == ()


@pytest.mark.parametrize(
    "answer",
    [
        json('{"deviceinfo": {"devicename": "UCP", "sn": 12, "firmwarever": "1.0", "extensionstatus": "4/100"}}'),
        json('{"deviceinfo": [{"devicename": "UCP", "sn": "12", "firmwarever": "1.0"}]}'),
        json('{"status": "Success", "devicename": "UCP", "sn": "12", "firmwarever": "1.0"}'),
        xml("<deviceinfo><devicename>UCP</devicename><sn>12</sn><firmwarever>1.0</firmwarever></deviceinfo>"),
        xml(
            "<deviceinfo><item><devicename>UCP</devicename><sn>12</sn><firmwarever>1.0</firmwarever></item></deviceinfo>"
        ),
    ],
)
def test_a_device_is_read_wherever_its_fields_are(answer: Given) -> None:
    assert device_info(answer[0]) == DeviceInfo(name="UCP", serial="12", firmware="1.0")


@pytest.mark.parametrize("body", ['{"deviceinfo": []}', '{"deviceinfo": ["UCP"]}', '{"deviceinfo": null}', "{}"])
def test_a_device_need_not_say_anything_of_itself(body: str) -> None:
    assert device_info(json(body)[0]) == DeviceInfo()


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (device_info, '{"deviceinfo": {"sn": ["1"]}}'),
        (trunk_list, '{"trunkname": [{"status": {"a": "b"}}]}'),
        (trunk_list, '{"trunkname": ["a"]}'),
    ],
)
def test_trunks_and_devices_of_another_shape_are_refused(read: Callable[[dict[str, Value]], object], body: str) -> None:
    with pytest.raises(Unreadable, match=r"instead of|not a set"):
        read(json(body)[0])
