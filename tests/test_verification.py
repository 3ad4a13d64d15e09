"""What a PBX shows, against what was sent to it: nothing missed, and nothing falsely claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pbxsync.model import Action, Change, Finding, KnownRoute, Outcome, Route, Status
from pbxsync.sandbox import Firmware
from pbxsync.verification import Snapshot, Verified, stored_fault, verify
from tests.applying import (
    A2,
    ADD_C,
    ADD_D,
    APPLIED,
    CHANGES,
    DELETE_B,
    FAILED,
    HELD,
    IN_DOUBT,
    KINDS,
    NOT_ATTEMPTED,
    UPDATE_A,
    A,
    B,
    C,
    D,
    add,
    client,
    known,
    live,
    pbx,
    states,
    there,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pbxsync.sandbox import Sandbox

COPY = replace(B, name="b~pbxsync")
#: An update that gives a another name, too.
RENAME = Change(Action.UPDATE, A, replace(A, name="z"), id="1")
Z = RENAME.after or A


def verified(
    actual: Sequence[KnownRoute], *changes: Change, before: Sequence[KnownRoute] = HELD, status: Status = APPLIED
) -> Verified:
    """What there is to say where these changes came to this end."""
    return verify(before, [Outcome(change, status) for change in changes], actual)


def messages(looked: Verified) -> list[str]:
    return [finding.message for finding in looked.findings]


def looked_at(sandbox: Sandbox, outcomes: Sequence[Outcome], kind: str = "json") -> Verified:
    with client(sandbox, kind) as caller:
        return verify(HELD, outcomes, caller.query_table().routes)


def test_a_pbx_that_stored_everything_as_it_was_sent_has_no_findings() -> None:
    assert verified(known(A2, C, D), *CHANGES) == Verified()


def test_ten_thousand_changes_are_verified_in_a_moment() -> None:
    many = [replace(A, name=f"r{n}", prefix=str(n)) for n in range(10_000)]
    assert verified(known(*many), *map(add, many), before=()) == Verified()
    cut = [replace(route, name=f"{route.name[:4]}.{route.name[4:]}") for route in many]
    assert len(verified(known(*cut[::-1]), *map(add, many), before=()).findings) >= 10_000


def test_what_failed_without_a_trace_or_was_not_attempted_is_not_expected() -> None:
    outcomes = [Outcome(UPDATE_A, APPLIED), Outcome(ADD_C, FAILED, "no"), Outcome(DELETE_B, NOT_ATTEMPTED)]
    assert verify(HELD, outcomes, known(A2, B)) == Verified()


# --- what was sent, and what is there ---

LOOK_UP = "Write the trunks as the PBX has them (pbxsync ping shows them)"


@KINDS
@pytest.mark.parametrize(
    ("fault", "change", "message", "unlisted"),
    [
        ("outroute/add@1=lie", ADD_C, "c is not there", ("c",)),
        ("outroute/add@1=twice", ADD_C, "c is there 2 times; delete all but one on the PBX", ()),
        (
            "outroute/add@1=alter:trunks=t1,t9",
            ADD_C,
            f'c is not stored as it was sent: trunks was sent as "t1" and stored as "t1,t9". {LOOK_UP}',
            (),
        ),
        (
            "outroute/update@1=alter:callerid=5",
            UPDATE_A,
            'a is not stored as it was sent: callerid was sent as "" and stored as "5". With that the route does '
            "something else: write callerid in signs that the PBX keeps",
            (),
        ),
        ("outroute/update@1=lie", UPDATE_A, "a is as it was before the update", ()),
        ("outroute/update@1=lie", RENAME, "z is not there: the PBX still has it as a", ()),
        ("outroute/delete@1=lie", DELETE_B, "b is still there", ()),
        ("outroute/update@1=drop-last", UPDATE_A, "b is gone from the PBX, though this run did not delete it", ("b",)),
    ],
)
def test_what_the_pbx_did_not_do_as_it_says_is_a_finding(
    fault: str, change: Change, message: str, unlisted: tuple[str, ...], kind: str
) -> None:
    with pbx(fault) as sandbox:
        outcomes = live(sandbox, change, kind=kind)
        assert states(outcomes) == [APPLIED]
        name = unlisted[0] if unlisted else change.name
        assert looked_at(sandbox, outcomes, kind) == Verified((Finding(name, message),), (), unlisted)


LONG = replace(C, name="emergency-calls-of-the-head-office-building-1")
CUT = "emergency-calls-of-the-head-office-build"
STORED = [
    (Firmware(name_limit=40), LONG, replace(LONG, name=CUT), f'Write name: "{CUT}" in the file'),
    (Firmware(name_limit=8), LONG, replace(LONG, name="emergenc"), 'Write name: "emergenc" in the file'),
    (
        Firmware(store_name="html"),
        replace(C, name="sales & more"),
        replace(C, name="sales &amp; more"),
        'Write name: "sales &amp; more" in the file (the name was stored with HTML entities)',
    ),
    (Firmware(store_name="squash"), replace(C, name="c  d"), replace(C, name="c d"), 'Write name: "c d" in the file'),
    (
        Firmware(store_name="slug"),
        replace(C, name="c (d)"),
        replace(C, name="c__d_"),
        'Write name: "c__d_" in the file',
    ),
    (Firmware(store_name="upper"), C, replace(C, name="C"), 'Write name: "C" in the file'),
    (
        Firmware(filter_fields=True),
        replace(C, prefix="9 1", matchpattern="x.w"),
        replace(C, prefix="91", matchpattern="X."),
        "With that the route does something else: write prefix, matchpattern in signs that the PBX keeps",
    ),
    (
        Firmware(filter_fields=True),
        replace(C, matchpattern="x."),
        C,
        'Write matchpattern: "X." in the file',
    ),
    (
        Firmware(field_limits="cut"),
        replace(C, matchpattern="1" * 70),
        replace(C, matchpattern="1" * 60),
        "With that the route does something else: write matchpattern in signs that the PBX keeps",
    ),
    (Firmware(unknown_trunk="drop"), replace(C, trunks=("trunk1", "t9")), replace(C, trunks=("trunk1",)), LOOK_UP),
    (Firmware(unknown_trunk="drop"), C, replace(C, trunks=()), LOOK_UP),
    (
        Firmware(store_name="slug", filter_fields=True, unknown_trunk="drop", name_limit=8),
        replace(C, name="long (distance)", prefix="9 1", trunks=("t9", "trunk1")),
        replace(C, name="long__di", prefix="91", trunks=("trunk1",)),
        'Write name: "long__di" in the file',
    ),
]


@KINDS
@pytest.mark.parametrize(("firmware", "sent", "stored", "advice"), STORED)
def test_a_route_that_is_stored_otherwise_is_recognised_with_what_was_sent_what_is_there_and_what_to_write(
    firmware: Firmware, sent: Route, stored: Route, advice: str, kind: str
) -> None:
    with pbx(firmware=firmware) as sandbox:
        outcomes = live(sandbox, add(sent), kind=kind)
        assert there(sandbox)[-1] == stored
        looked = looked_at(sandbox, outcomes, kind)
    (finding,) = looked.findings
    assert finding.name == sent.name
    assert finding.message.startswith(f"{sent.name} is not stored as it was sent: ")
    for name, value in sent.fields().items():
        got = stored.fields()[name]
        said = f'{name} was sent as "{shown(value)}" and stored as "{shown(got)}"'
        assert (said in finding.message) == (value != got)
    assert advice in finding.message
    assert (looked.notes, looked.unlisted) == ((), ())


def shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def test_a_route_that_has_another_name_and_other_fields_is_recognised_by_its_place() -> None:
    sent = replace(C, name="one")
    looked = verified(known(A, B, replace(C, name="two", prefix="7")), add(sent))
    assert messages(looked) == [
        'one is not there; a new route, "two", may be what the PBX made of it: name was sent as "one" and stored as '
        '"two"; prefix was sent as "2" and stored as "7". Write name: "two" in the file; with that the route does '
        "something else: write prefix in signs that the PBX keeps"
    ]
    assert (looked.notes, looked.unlisted) == ((), ())


def test_new_routes_that_nothing_else_explains_are_taken_for_those_that_were_sent_in_their_order() -> None:
    sent = [replace(C, name=name) for name in ("one", "two")]
    looked = verified(known(A, B, replace(C, name="x", prefix="7"), replace(C, name="y", prefix="8")), *map(add, sent))
    first, second = messages(looked)
    assert first.startswith('one is not there; a new route, "x", may be what the PBX made of it: ')
    assert second.startswith('two is not there; a new route, "y", may be what the PBX made of it: ')
    assert looked.notes == ()


def test_where_it_is_not_clear_which_new_route_it_is_all_are_named_and_none_is_somebody_elses() -> None:
    sent = replace(C, name="one")
    looked = verified(known(A, B, replace(C, name="x", prefix="7"), replace(D, name="y", prefix="8")), add(sent))
    assert messages(looked) == ["one is not there; new on the PBX, and perhaps what it made of it: x, y"]
    assert (looked.notes, looked.unlisted) == ((), ("one",))


def test_a_route_is_recognised_by_its_fields_beside_one_that_somebody_else_added() -> None:
    sent = replace(C, name="one")
    looked = verified(known(A, B, D, replace(C, name="two")), add(sent))
    assert messages(looked) == [
        'one is not stored as it was sent: name was sent as "one" and stored as "two". Write name: "two" in the file'
    ]
    assert looked.notes == ("added on the PBX by somebody else meanwhile: d",)


def test_a_name_that_an_update_changed_is_recognised_by_its_id() -> None:
    looked = verified((KnownRoute(replace(A, name="q", prefix="8"), "1"), KnownRoute(B, "2")), RENAME)
    assert messages(looked)[0].startswith(
        'z is not stored as it was sent: name was sent as "z" and stored as "q"; prefix was sent as "" and stored as '
    )
    assert looked.notes == ()


def test_a_copy_that_is_stored_otherwise_can_not_be_declared() -> None:
    looked = verified(known(A, B, replace(COPY, name="B~PBXSYNC")), add(COPY))
    assert messages(looked) == [
        'b~pbxsync is not stored as it was sent: name was sent as "b~pbxsync" and stored as "B~PBXSYNC". Delete '
        '"B~PBXSYNC" on the PBX, and move b in its web page: either somebody changed the copy there, or this PBX does '
        "not keep a copy as it is sent, and can't move the route by one"
    ]


def test_a_rename_whose_old_name_is_still_there_is_a_finding() -> None:
    still = "the old name, a, is still there too"
    assert stored_fault(RENAME, known(Z, B)) is None
    assert stored_fault(RENAME, known(Z, A)) == still
    assert verified(known(Z, B), RENAME) == Verified()
    assert verified(known(Z, B, A), RENAME).findings == (Finding("z", still),)
    assert verified(known(Z, B, A), RENAME, add(A)) == Verified()  # another route took the name over


@pytest.mark.parametrize(
    ("change", "routes", "fault"),
    [
        (ADD_C, (C,), None),
        (ADD_C, (), "c is not there"),
        (ADD_C, (C, C), "c is there 2 times"),
        (ADD_C, (replace(C, name="C"),), "c is not there"),
        (UPDATE_A, (A2,), None),
        (UPDATE_A, (A,), "a is as it was before the update"),
        (DELETE_B, (A,), None),
        (DELETE_B, (B,), "b is still there"),
    ],
)
def test_what_is_wrong_with_one_change(change: Change, routes: tuple[Route, ...], fault: str | None) -> None:
    assert stored_fault(change, known(*routes)) == fault


# --- changes that failed, or got lost ---


@KINDS
@pytest.mark.parametrize("change", [UPDATE_A, ADD_C, DELETE_B, RENAME], ids=["update", "add", "delete", "rename"])
def test_a_change_that_failed_and_was_carried_out_is_a_note_and_nothing_else(change: Change, kind: str) -> None:
    with pbx(f"outroute/{change.action}@1=fail-done:1") as sandbox:
        outcomes = live(sandbox, change, kind=kind)
        assert states(outcomes) == [FAILED]
        note = f"{change.action} {change.name} counts as failed, but the PBX has carried it out"
        assert looked_at(sandbox, outcomes, kind) == Verified((), (note,))


def test_a_change_in_doubt_that_shows_at_the_end_is_a_note() -> None:
    note = "add c is in doubt, but the PBX has carried it out"
    assert verified(known(A, B, C), ADD_C, status=IN_DOUBT) == Verified((), (note,))


@KINDS
@pytest.mark.parametrize("fault", ["half", "die"])
@pytest.mark.parametrize("change", [UPDATE_A, RENAME], ids=["update", "rename"])
def test_an_update_that_failed_halfway_has_taken_the_pattern(fault: str, change: Change, kind: str) -> None:
    with pbx(f"outroute/update@1={fault}") as sandbox:
        outcomes = live(sandbox, change, kind=kind)
        assert states(outcomes) == [FAILED]
        lost = Finding("a", "a has lost its pattern on the PBX, and takes no call now")
        assert looked_at(sandbox, outcomes, kind) == Verified((lost,))


@KINDS
def test_an_update_of_a_field_that_is_too_long_leaves_a_route_without_a_pattern(kind: str) -> None:
    long = Change(Action.UPDATE, A, replace(A, matchpattern="1" * 70), id="1")
    with pbx(firmware=Firmware(field_limits="strict")) as sandbox:
        looked = looked_at(sandbox, live(sandbox, long, kind=kind), kind)
    assert messages(looked) == ["a has lost its pattern on the PBX, and takes no call now"]


@KINDS
def test_routes_that_vanish_with_an_add_that_failed_are_named_though_nothing_was_applied(kind: str) -> None:
    with pbx("outroute/add@1=half:1") as sandbox:
        outcomes = live(sandbox, ADD_C, kind=kind)
        assert states(outcomes) == [FAILED]
        gone = Finding("b", "b is gone from the PBX, though this run did not delete it")
        assert looked_at(sandbox, outcomes, kind) == Verified((gone,), (), ("b",))


@KINDS
@pytest.mark.parametrize(("firmware", "sent", "stored", "advice"), STORED[:6])
def test_an_add_that_failed_and_is_there_otherwise_is_recognised_too(
    firmware: Firmware, sent: Route, stored: Route, advice: str, kind: str
) -> None:
    with pbx("outroute/add@1=fail-done", firmware=firmware) as sandbox:
        looked = looked_at(sandbox, live(sandbox, add(sent), kind=kind), kind)
    assert advice in messages(looked)[0]
    assert f'name was sent as "{sent.name}" and stored as "{stored.name}"' in messages(looked)[0]
    assert (len(looked.findings), looked.notes) == (1, ())


def test_a_new_route_beside_an_add_that_failed_may_be_that_one() -> None:
    looked = verified(known(A, B, D), ADD_C, status=FAILED)
    assert looked == Verified((), ("new on the PBX: d; perhaps what it made of c, whose add counts as failed",))


def test_an_update_that_was_carried_out_in_part_is_neither_as_it_was_nor_as_it_was_sent() -> None:
    change = Change(Action.UPDATE, A, replace(A, prefix="9", trunks=("t2",)), id="1")
    looked = verified(known(replace(A, prefix="9"), B), change, status=FAILED)
    assert messages(looked) == ['a is neither as it was nor as it was sent: trunks was sent as "t2" and stored as "t1"']
    renamed = verified(known(replace(Z, trunks=("t2",)), B), RENAME, status=FAILED)
    assert messages(renamed) == [
        'z is neither as it was nor as it was sent: trunks was sent as "t1" and stored as "t2"'
    ]
    both = verified(known(A, B, Z), RENAME, status=FAILED)
    assert (messages(both), both.notes) == (["the old name, a, is still there too"], ())


@pytest.mark.parametrize("change", [ADD_C, UPDATE_A, DELETE_B], ids=["add", "update", "delete"])
@pytest.mark.parametrize("status", [FAILED, IN_DOUBT])
def test_what_else_is_different_after_a_change_that_failed_is_a_finding(change: Change, status: Status) -> None:
    held = known(A, B, D, replace(D, name="e"), replace(D, name="f"))
    shown = known(A, B, replace(D, name="f"), replace(D, prefix="7"))
    looked = verified(shown, change, before=held, status=status)
    assert messages(looked) == [
        "e is gone from the PBX, though this run did not delete it",
        "d was changed on the PBX during this run, which did not send that",
        "f was put above d on the PBX during this run, which did not send that",
    ]
    assert looked.notes == ()


@pytest.mark.parametrize("status", [APPLIED, FAILED])
def test_a_route_without_a_pattern_is_a_finding_whoever_made_it_so(status: Status) -> None:
    looked = verified(known(A, replace(B, prefix="", matchpattern=""), C), ADD_C, status=status)
    assert messages(looked) == ["b has lost its pattern on the PBX, and takes no call now"]


def test_a_change_that_never_left_explains_nothing() -> None:
    unsent = Outcome(ADD_C, FAILED, "not sent", unsent=True)
    assert verify(HELD, [unsent], known(A2, B)) == Verified((), ("changed on the PBX by somebody else meanwhile: a",))
    assert verify(HELD, [unsent], known(A, B, C)).notes == ("added on the PBX by somebody else meanwhile: c",)


# --- several routes of one name, several patterns of one route ---


def test_a_second_route_of_a_name_that_this_run_did_not_touch_is_a_finding_and_so_is_one_lost_of_two() -> None:
    twice = Finding("b", "b is there 2 times, and this run did not send it; delete all but one on the PBX")
    assert verified(known(A, B, B, C), ADD_C) == Verified((twice,))
    thrice = Finding("d", "d is there 3 times, and this run did not send it; delete all but one on the PBX")
    assert verified(known(A, B, C, D, D, D), ADD_C) == Verified(
        (thrice,), ("added on the PBX by somebody else meanwhile: d",)
    )
    held = known(A, B, B)
    lost = Finding("b", "b is gone from the PBX, though this run did not delete it")
    assert verified(known(A, B, C), ADD_C, before=held) == Verified((lost,), (), ("b",))
    assert verified(known(A, B, B, C), ADD_C, before=held) == Verified()


def test_a_route_that_is_there_twice_and_otherwise_is_named_as_doubled() -> None:
    stored = replace(C, prefix="8")
    assert messages(verified(known(A, B, stored, C, stored), ADD_C)) == [
        "c is there 3 times; delete all but one on the PBX"
    ]
    assert messages(verified(known(A, B, stored, stored), ADD_C)) == [
        'c is not stored as it was sent: prefix was sent as "2" and stored as "8". With that the route does something '
        "else: write prefix in signs that the PBX keeps",
        "c is there 2 times; delete all but one on the PBX",
    ]


WEB = tuple(KnownRoute(Route("web", f"{n}XX", ("t1",)), "7") for n in range(1, 4))


@pytest.mark.parametrize("status", [APPLIED, FAILED])
def test_several_patterns_of_a_route_are_no_routes_of_one_name(status: Status) -> None:
    note = () if status is APPLIED else ("add c counts as failed, but the PBX has carried it out",)
    there = (*HELD, *WEB, KnownRoute(C, "9"))
    assert verified(there, ADD_C, before=(*HELD, *WEB), status=status) == Verified((), note)
    # One route before, as firmware shows it that lists the lowest pattern alone; then one for each.
    assert verified(there, ADD_C, before=(*HELD, WEB[0]), status=status).findings == ()


def test_a_pattern_that_somebody_else_took_from_a_route_is_a_change_of_it() -> None:
    there = (*HELD, *WEB[1:], KnownRoute(C, "9"))
    note = "changed on the PBX by somebody else meanwhile: web"
    assert verified(there, ADD_C, before=(*HELD, *WEB)) == Verified((), (note,))


# --- places ---


@KINDS
@pytest.mark.parametrize(
    ("insert", "sent", "place", "above"), [("top", C, 1, "a, b"), ("sorted", replace(C, name="aa"), 2, "b")]
)
def test_a_new_route_that_is_not_at_the_end_is_a_finding_with_its_place(
    insert: str, sent: Route, place: int, above: str, kind: str
) -> None:
    with pbx(firmware=Firmware.parse([f"insert={insert}"])) as sandbox:
        looked = looked_at(sandbox, live(sandbox, add(sent), kind=kind), kind)
    message = (
        f"the PBX put the new route {sent.name} at place {place} of 3, above {above}, and not at the end: it may take "
        "their calls. Put it at the end in the PBX's web page, or delete it there"
    )
    assert looked == Verified((Finding(sent.name, message),))


def test_a_copy_that_is_not_at_the_end_is_to_be_deleted() -> None:
    (message,) = messages(verified(known(COPY, A, B), add(COPY)))
    assert message.startswith("the PBX put the new route b~pbxsync at place 1 of 3, above a, b, and not at the end: ")
    assert message.endswith("Delete it in the PBX's web page, and move b there")


def test_of_many_routes_below_the_first_are_named() -> None:
    many = [replace(A, name=f"r{n}") for n in range(9)]
    (message,) = messages(verified(known(C, *many), ADD_C, before=known(*many)))
    assert "at place 1 of 10, above r0, r1, r2, and 6 more, and not at the end" in message


def test_new_routes_in_another_order_than_they_were_sent_are_a_finding() -> None:
    (message,) = messages(verified(known(A, B, D, C), ADD_C, ADD_D))
    assert message.startswith("the PBX put the new route d at place 3 of 4, above c, and not at the end: ")


def test_an_add_that_failed_and_is_on_top_is_a_finding_too() -> None:
    looked = verified(known(C, A, B), ADD_C, status=FAILED)
    assert looked.notes == ("add c counts as failed, but the PBX has carried it out",)
    assert messages(looked)[0].startswith("the PBX put the new route c at place 1 of 3, above a, b, and not at the end")


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        (
            (B, D, A2),
            "a is at place 3 of 3 on the PBX, below b, d, and belongs above: they may take its calls. Put it in its "
            "place in the PBX's web page",
        ),
        ((B, A2, D), "a is at place 2 of 3 on the PBX, below b, and belongs above: they may take its calls."),
    ],
)
def test_a_route_that_the_pbx_moved_when_it_was_updated_is_a_finding(actual: tuple[Route, ...], message: str) -> None:
    looked = verified(known(*actual), UPDATE_A, before=known(A, B, D))
    assert (len(looked.findings), looked.notes) == (1, ())
    assert looked.findings[0].message.startswith(message)
    assert looked.findings[0].name == "a"


def test_a_route_that_an_update_put_on_top_is_a_finding() -> None:
    up = Change(Action.UPDATE, B, replace(B, prefix="9"), id="2")
    (message,) = messages(verified(known(replace(B, prefix="9"), A), up))
    assert message.startswith("b is at place 1 of 2 on the PBX, above a, and belongs below: it may take their calls.")


def test_an_order_that_somebody_else_changed_is_a_note() -> None:
    assert verified(known(B, A, C), ADD_C) == Verified((), ("b was put above a on the PBX by somebody else meanwhile",))


# --- what somebody else did ---


def test_what_somebody_else_changed_or_added_meanwhile_is_a_note() -> None:
    assert verified(known(A2, B, C, D), ADD_C) == Verified(
        (),
        (
            "added on the PBX by somebody else meanwhile: d",
            "changed on the PBX by somebody else meanwhile: a",
        ),
    )


# --- what may be deleted ---


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        (known(A, B), None),
        (known(A), "b was changed on the PBX by somebody else meanwhile, and is not deleted"),
        (known(A, replace(B, prefix="7")), "b was changed on the PBX by somebody else meanwhile, and is not deleted"),
        (known(A, B, B), "b is not deleted: the PBX holds 2 routes of this name, and may delete them all"),
        (known(A, B, replace(C, name="B")), "b is not deleted: the PBX holds B too, and may take both for one"),
        (known(A, B, replace(C, name=" b ")), "b is not deleted: the PBX holds  b  too, and may take both for one"),
        (known(B, A), "b has another id on the PBX than before (1, not 2), and is not deleted"),
        ((*HELD, KnownRoute(C, "2")), "b is not deleted: the PBX shows another route with its id (2)"),
    ],
)
def test_a_route_is_deleted_only_if_it_is_what_was_planned_and_alone(
    shown: tuple[KnownRoute, ...], fault: str | None
) -> None:
    assert Snapshot(shown).removal_fault(DELETE_B) == fault
