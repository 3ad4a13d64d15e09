"""What a PBX shows counts, not what was sent: pbxsync against firmwares that do something else than they are told.

Each promise is checked in JSON and XML, live and with a state file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import Ended, declare, names, route, stored, to
from tests.firmwares import ESCAPING, FREEPBX_CUT, SLUG, SORTED, SQUASHING
from tests.in_process import inside
from tests.share import FULL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KINDS = pytest.mark.parametrize("kind", ["json", "xml"])
SOURCES = pytest.mark.parametrize("state", [(), ("--state", "state.json")], ids=["live", "recorded"])

LONG_NAME = "emergency-calls-of-the-head-office-building-1"
EMERGENCY = route(LONG_NAME, "911", ["carrier-a"])
OTHER = route("other", "7XXX", ["b"])


def pbx(firmware: Firmware, *held: Mapping[str, Any], faults: Iterable[str] = ()) -> Sandbox:
    return Sandbox(tokens=["t"], firmware=firmware, routes=stored(*held), faults=faults)


def run(one: Sandbox, kind: str, *arguments: object) -> Ended:
    return inside(*arguments, env=to(one, PBXSYNC_TYPE=kind, PBXSYNC_RETRIES="0"))


def begin(one: Sandbox, kind: str, state: tuple[str, ...]) -> None:
    """Record what the PBX holds, if a state file is asked for."""
    if state:
        assert run(one, kind, "refresh", *state).code == 0


def apply(one: Sandbox, kind: str, state: tuple[str, ...], *choices: str) -> Ended:
    return run(one, kind, "apply", "--yes", "routes.yaml", *state, *choices)


def ten_more(one: Sandbox, kind: str, state: tuple[str, ...], *choices: str) -> list[Ended]:
    """Ten more runs, or three, each by what the PBX holds then; they change nothing on it."""
    before = one.routes()
    ended = []
    for _ in range(10 if FULL else 3):
        begin(one, kind, state)
        ended.append(apply(one, kind, state, *choices))
        assert one.routes() == before
    return ended


# --- names that the PBX stores otherwise ----------------------------------------------------------------------------

#: A firmware, the name that is sent, and the name that it stores.
NAMES = [
    (FREEPBX_CUT, LONG_NAME, LONG_NAME[:40]),
    (ESCAPING, "sales & more", "sales &amp; more"),
    (SQUASHING, "a  b", "a b"),
    (SLUG, "a (b) c", "a__b__c"),
    (Firmware(store_name="upper"), "local", "LOCAL"),
    (Firmware(store_name="mb3"), "fire 🔥 1", "fire"),
    (Firmware(name_limit=8), "long-distance", "long-dis"),
]


@KINDS
@SOURCES
@pytest.mark.parametrize(("firmware", "sent", "there"), NAMES, ids=[there for _, _, there in NAMES])
def test_a_name_that_is_stored_otherwise_stops_the_run_and_no_later_run_adds_or_deletes(
    firmware: Firmware, sent: str, there: str, kind: str, state: tuple[str, ...]
) -> None:
    old = route("old", "8X.", ["b"])
    declare("routes.yaml", [route(sent, "911", ["carrier-a"]), OTHER])
    with pbx(firmware, old) as one:
        begin(one, kind, state)
        done = apply(one, kind, state, "--prune")
        held = names(one)
        assert [name for name in held if name.strip() == there] == [held[-1]]
        assert held[0].lower() == "old"
        assert done.code == 1
        assert f'name was sent as "{sent}" and stored as "{held[-1]}"' in done.err
        written = f'Write name: "{there}" in the file' in done.err
        assert written or f'Delete "{held[-1]}" on the PBX, and choose a name that it keeps' in done.err
        assert "somebody else" not in done.everything
        assert "plan again" not in done.everything
        for later in ten_more(one, kind, state, "--prune"):
            assert later.code == 1
            assert f"{sent} is not added" in later.err
            assert there in later.err


@KINDS
@SOURCES
def test_once_the_file_has_the_name_that_the_pbx_stored_the_rest_is_applied(kind: str, state: tuple[str, ...]) -> None:
    declare("routes.yaml", [EMERGENCY, OTHER])
    with pbx(FREEPBX_CUT) as one:
        begin(one, kind, state)
        assert apply(one, kind, state).code == 1
        declare("routes.yaml", [{**EMERGENCY, "name": LONG_NAME[:40]}, OTHER])
        begin(one, kind, state)
        assert apply(one, kind, state).code == 0
        assert names(one) == [LONG_NAME[:40], "other"]
        assert run(one, kind, "plan", "routes.yaml", "--detailed-exitcode", *state).code == 0


#: A firmware, what is sent, and what it stores of it.
FIELDS = [
    (FREEPBX_CUT, {"matchpattern": "9 xx"}, {"matchpattern": "9XX"}),
    (FREEPBX_CUT, {"matchpattern": "1!"}, {"matchpattern": "1"}),
    (FREEPBX_CUT, {"matchpattern": "1" * 70}, {"matchpattern": "1" * 60}),
    (FREEPBX_CUT, {"matchpattern": "!"}, {"matchpattern": ""}),
    (Firmware(unknown_trunk="drop"), {"trunks": ["trunk1", "nobody"]}, {"trunks": "trunk1"}),
    (Firmware(html_trunks=True), {"trunks": ["a & b"]}, {"trunks": "a &amp; b"}),
]


@KINDS
@SOURCES
@pytest.mark.parametrize(("firmware", "sent", "there"), FIELDS)
def test_a_field_that_is_stored_otherwise_stops_the_run_and_no_later_run_adds_or_deletes(
    firmware: Firmware, sent: dict[str, Any], there: dict[str, str], kind: str, state: tuple[str, ...]
) -> None:
    declare("routes.yaml", [{**route("new", "911", ["trunk1"]), **sent}, OTHER])
    with pbx(firmware, route("old", "8X.", ["trunk1"])) as one:
        begin(one, kind, state)
        done = apply(one, kind, state, "--prune")
        assert names(one) == ["old", "new"]
        assert one.routes()[1].items() >= there.items()
        assert done.code == 1
        assert "new is not stored as it was sent" in done.err
        assert "somebody else" not in done.everything
        for later in ten_more(one, kind, state, "--prune"):
            assert later.code == 1
            assert "new is not stored as it was sent" in later.err
        assert names(one) == ["old", "new"]


# --- names that the PBX takes for equal -----------------------------------------------------------------------------


@KINDS
@SOURCES
@pytest.mark.parametrize("there", ["Munchen", "MÜNCHEN", "Mu\u0308nchen", "Mün\u200bchen", "Mynchen", "M&uuml;nchen"])
def test_neither_of_two_equal_names_is_added_or_deleted_and_the_plan_says_why(
    there: str, kind: str, state: tuple[str, ...]
) -> None:
    declare("routes.yaml", [route("München", "911", ["a"])])
    with pbx(Firmware(equal_names="general"), route(there, "911", ["a"])) as one:
        for done in ten_more(one, kind, state, "--prune"):
            assert done.code == 1
            assert "München is not added" in done.err
        assert names(one) == [there]


@KINDS
@SOURCES
def test_a_rename_is_the_way_out(kind: str, state: tuple[str, ...]) -> None:
    declare("routes.yaml", [route("München", "911", ["a"], renamed_from="Munchen")])
    with pbx(Firmware(equal_names="accents"), route("Munchen", "911", ["a"])) as one:
        begin(one, kind, state)
        assert apply(one, kind, state, "--prune").code == 0
        assert names(one) == ["München"]


@KINDS
@SOURCES
def test_a_pair_that_only_this_pbx_takes_for_equal_is_found_by_asking_it(kind: str, state: tuple[str, ...]) -> None:
    """Its database says so; folding does not know it."""
    declare("routes.yaml", [route("local", "911", ["a"])])
    with pbx(Firmware(equal_names="general"), route("lo\u0335cal", "8X.", ["b"])) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 1
        assert names(one) == ["lo\u0335cal"]


@KINDS
@SOURCES
@pytest.mark.parametrize("answers", ["all", "none", "refuse", "first"])
def test_a_firmware_that_cannot_be_asked_by_name_is_noticed(answers: Any, kind: str, state: tuple[str, ...]) -> None:
    declare("routes.yaml", [route("new", "911", ["a"]), route("newer", "912", ["a"])])
    with pbx(Firmware(named_query=answers), OTHER, route("old", "8X.", ["b"])) as one:
        begin(one, kind, state)
        done = apply(one, kind, state, "--prune")
        assert done.code == 0, done.err
        assert names(one) == ["new", "newer"]


@KINDS
def test_a_route_that_the_list_leaves_out_is_found_by_name(kind: str) -> None:
    declare("routes.yaml", [route(f"r{n}", f"1{n}XX", ["a"]) for n in range(10, 15)])
    with pbx(Firmware(page=3), *[route(f"r{n}", f"1{n}XX", ["a"]) for n in range(10, 15)]) as one:
        done = apply(one, kind, ())
        assert done.code == 1
        assert "r13" in done.err
        assert "its list of all routes does not show it" in done.err
        assert len(one.routes()) == 5


@KINDS
def test_a_first_page_is_refused_once_it_shows(kind: str) -> None:
    declare("routes.yaml", [route(f"r{n}", f"1{n}XX", ["a"]) for n in range(10, 15)])
    with pbx(Firmware(page=3), *[route(f"r{n}", f"1{n}XX", ["a"]) for n in range(10, 13)]) as one:
        done = apply(one, kind, ())
        assert done.code == 1
        assert "a first page?" in done.err
        assert names(one) == ["r10", "r11", "r12", "r13"]
        for _ in range(3):
            assert apply(one, kind, ()).code == 1
            assert len(one.routes()) == 4


# --- the same fields under another name -----------------------------------------------------------------------------


@KINDS
@SOURCES
def test_a_route_with_the_fields_of_an_unmanaged_one_is_added_only_if_ignore_names_that_one(
    kind: str, state: tuple[str, ...]
) -> None:
    new, held = route("new", "911", ["a"]), route("lab-1", "911", ["a"])
    declare("routes.yaml", [new])
    with pbx(Firmware(), held) as one:
        for done in ten_more(one, kind, state, "--prune"):
            assert done.code == 1
            assert 'renamed_from: "lab-1"' in done.err
        file = declare("routes.yaml", [new])
        file.write_text(file.read_text(encoding="utf-8").replace('"routes"', '"ignore": ["lab-*"], "routes"', 1))
        begin(one, kind, state)
        done = apply(one, kind, state, "--prune")
        assert done.code == 0, done.err
        assert names(one) == ["lab-1", "new"]
        assert "ignored, as the file says: lab-1" in done.out


# --- where a new route goes -----------------------------------------------------------------------------------------


@KINDS
@SOURCES
@pytest.mark.parametrize(("firmware", "first"), [(Firmware(insert="top"), "wide"), (SORTED, "alarm")])
def test_a_new_route_that_is_not_put_at_the_end_stops_the_run_and_the_calls_are_named(
    firmware: Firmware, first: str, kind: str, state: tuple[str, ...]
) -> None:
    wide = route(first, "X.", ["a"])
    held = route("emergency", "911", ["line"])
    declare("routes.yaml", [held, wide, OTHER])
    with pbx(firmware, held) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 1
        assert names(one) == [first, "emergency"]
        assert f"the PBX put the new route {first} at place 1 of 2, above emergency, and not at the end" in done.err
        assert "Calls that go elsewhere now than before this run:" in done.out
        assert "911 now goes to a (was line)" in done.out
        [plan] = run(one, kind, "apply", "--yes", "--format", "json", "routes.yaml").json["plans"]
        assert plan["outcomes"] != []


@KINDS
@SOURCES
@pytest.mark.parametrize("firmware", [Firmware(insert="top"), SORTED, SLUG, Firmware(store_name="upper")])
def test_a_copy_that_is_not_where_or_what_it_should_be_ends_the_run_and_no_other_copy_is_made(
    firmware: Firmware, kind: str, state: tuple[str, ...]
) -> None:
    rest, branch, more = route("b", "X.", ["out"]), route("c", "7XXX", ["branch"]), route("d", "8XXX", ["other"])
    declare("routes.yaml", [branch, more, rest])
    with pbx(firmware, rest, branch, more) as one:
        begin(one, kind, state)
        done = apply(one, kind, state, "--reorder")
        assert done.code == 1
        assert len(one.routes()) == 4
        assert "un again to finish it" not in done.everything
        for later in ten_more(one, kind, state, "--reorder"):
            assert "un again to finish it" not in later.everything


@KINDS
@SOURCES
def test_a_route_with_a_name_of_40_characters_is_moved_by_a_copy_whose_name_fits(
    kind: str, state: tuple[str, ...]
) -> None:
    rest = route("catchall-for-everything-that-is-left-999", "X.", ["out"])
    branch = route("branch", "7XXX", ["branch"])
    declare("routes.yaml", [branch, rest])
    with pbx(FREEPBX_CUT, rest) as one:
        begin(one, kind, state)
        done = apply(one, kind, state, "--reorder")
        assert done.code == 0, done.err
        assert names(one) == ["branch", rest["name"]]
        assert (
            max(len(request.fields.get("name", "")) for request in one.requests if request.call == "outroute/add") == 40
        )


# --- several patterns, shared ids, hidden fields --------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("show", ["each", "lowest"])
def test_a_route_of_several_patterns_is_left_alone(show: Any, kind: str) -> None:
    web = {"name": "web", "matchpattern": "1XX", "trunks": "a", "patterns": ["1XX", "2XX", "3XX"], "id": "7"}
    declare("routes.yaml", [OTHER])
    with Sandbox(tokens=["t"], firmware=Firmware(show_patterns=show), routes=[web, *stored(OTHER)]) as one:
        before = one.routes()
        done = apply(one, kind, (), *(["--prune"] if show == "each" else []))
        assert one.routes() == before
        assert "doubled" not in done.everything
        assert done.code == 0
        exported = run(one, kind, "export")
        assert exported.code == 0
        if show == "each":
            assert "web has 3 patterns, made in the PBX's web page" in done.out
            assert '# left out: "web"' in exported.out
            declare("routes.yaml", [route("web", "1XX", ["b"]), OTHER])
            assert run(one, kind, "plan", "routes.yaml", "--detailed-exitcode").code == 1
            assert one.routes() == before


@KINDS
def test_a_declared_route_that_the_pbx_has_twice_is_a_failure(kind: str) -> None:
    declare("routes.yaml", [OTHER])
    with pbx(Firmware(), OTHER, route("other", "8XXX", ["c"])) as one:
        for command in (["plan"], ["plan", "--detailed-exitcode"], ["apply", "--yes"]):
            done = run(one, kind, *command, "routes.yaml")
            assert done.code == 1
            assert "the PBX has 2 routes called other" in done.everything
            assert "othing to do" not in done.everything


@KINDS
@SOURCES
def test_updates_say_what_they_may_lose_and_moves_need_somebody_to_have_looked(
    kind: str, state: tuple[str, ...]
) -> None:
    web = {"name": "rest", "matchpattern": "X.", "trunks": "out", "hidden": {"pin": "1234"}}
    declare("routes.yaml", [route("branch", "7XXX", ["b"]), route("rest", "X.", ["new"])], hidden_fields=None)
    with Sandbox(tokens=["t"], routes=[web]) as one:
        begin(one, kind, state)
        done = run(one, kind, "plan", "routes.yaml", *state)
        assert done.code == 0
        assert "may lose its PIN or password" in done.out
        done = apply(one, kind, state, "--reorder")
        assert done.code == 1
        assert names(one) == ["rest"]
        assert "hidden_fields: none" in done.err
        declare("routes.yaml", [route("branch", "7XXX", ["b"]), route("rest", "X.", ["new"])])
        done = apply(one, kind, state, "--reorder")
        assert done.code == 0, done.err
        assert "PIN" not in done.everything
        assert names(one) == ["branch", "rest"]


# --- the table, asked twice -----------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("command", [["apply", "--yes", "routes.yaml"], ["export"], ["refresh", "--state", "s.json"]])
def test_a_short_answer_is_not_believed(command: list[str], kind: str) -> None:
    held = [route(f"r{n}", f"1{n}XX", ["a"]) for n in range(5)]
    declare("routes.yaml", held)
    with pbx(Firmware(), *held, faults=["outroute/query@1=short:2"]) as one:
        done = run(one, kind, *command)
        assert done.code == 0
        assert names(one) == [f"r{n}" for n in range(5)]
        assert "r4" in done.out or "Nothing to do: 5 unchanged" in done.out or "5 routes of" in done.out


@KINDS
@pytest.mark.parametrize("command", [["apply", "--yes", "routes.yaml"], ["export"], ["refresh", "--state", "s.json"]])
def test_a_table_that_never_stays_the_same_ends_with_a_message(command: list[str], kind: str) -> None:
    held = [route(f"r{n}", f"1{n}XX", ["a"]) for n in range(9)]
    declare("routes.yaml", held)
    faults = [f"outroute/query@{n}=short:{n}" for n in range(1, 9)]
    with pbx(Firmware(), *held, faults=faults) as one:
        done = run(one, kind, *command)
        assert done.code == 1
        assert "the PBX's table is changing" in done.err
        assert len(one.routes()) == 9


@pytest.mark.parametrize("empty", ["null", "text", "object", "item"])
def test_an_answer_of_nothing_counts_as_an_empty_table_only_if_no_route_is_found_by_name(empty: Any) -> None:
    declare("routes.yaml", [OTHER])
    with pbx(Firmware(empty_as=empty)) as one:
        assert apply(one, "json", ()).code == 0
        assert names(one) == ["other"]


@KINDS
def test_success_without_a_list_or_with_an_errno_is_not_believed(kind: str) -> None:
    declare("routes.yaml", [OTHER])
    for firmware in (Firmware(empty_as="missing"), Firmware(success_errno="12")):
        with pbx(firmware) as one:
            assert apply(one, kind, ()).code == 1
            assert names(one) == []


# --- after a failure ------------------------------------------------------------------------------------------------


@KINDS
@SOURCES
def test_an_update_that_fails_halfway_is_named_with_what_it_lost(kind: str, state: tuple[str, ...]) -> None:
    declare("routes.yaml", [{**OTHER, "trunks": ["new"]}, route("x", "8X.", ["a"])])
    with pbx(Firmware(), OTHER, faults=["outroute/update@1=half"]) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 1
        assert one.routes()[0]["matchpattern"] == ""
        assert "other has lost its pattern on the PBX, and takes no call now" in done.err


@KINDS
@SOURCES
def test_routes_that_vanish_with_an_add_that_fails_are_named(kind: str, state: tuple[str, ...]) -> None:
    held = [route(f"r{n}", f"1{n}XX", ["a"]) for n in range(4)]
    declare("routes.yaml", [*held, OTHER])
    with pbx(Firmware(), *held, faults=["outroute/add@1=half"]) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 1
        lost = {f"r{n}" for n in range(4)} - {row["name"] for row in one.routes()}
        for name in lost:
            assert f"{name} is gone from the PBX, though this run did not delete it" in done.err


# --- connections ----------------------------------------------------------------------------------------------------


@KINDS
@SOURCES
@pytest.mark.parametrize("firmware", [Firmware(close_after=3), Firmware(close_idle=0.02)])
def test_thirty_adds_to_a_pbx_that_drops_its_connections_are_all_there_once(
    firmware: Firmware, kind: str, state: tuple[str, ...]
) -> None:
    declare("routes.yaml", [route(f"r{n:02}", f"1{n:02}XX", ["a"]) for n in range(30)])
    with pbx(firmware) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 0, done.err
        assert names(one) == [f"r{n:02}" for n in range(30)]


NEVER_ARRIVED = (
    "note: a change never arrived, since the PBX had closed the connection without a word, and was sent again"
)


@KINDS
@SOURCES
@pytest.mark.parametrize("dropped", [False, True])
def test_a_note_names_fresh_connections_where_a_change_had_to_be_sent_again(
    dropped: bool, kind: str, state: tuple[str, ...]
) -> None:
    declare("routes.yaml", [route("a", "1XX", ["a"]), route("b", "2XX", ["b"])])
    with pbx(Firmware(), faults=["outroute/add@2=close"] if dropped else []) as one:
        begin(one, kind, state)
        done = apply(one, kind, state)
        assert done.code == 0, done.err
        assert names(one) == ["a", "b"]
    assert (NEVER_ARRIVED in done.out) is dropped
    assert ("; --fresh-connections, or fresh_connections: true under pbx, does so at once\n" in done.out) is dropped
