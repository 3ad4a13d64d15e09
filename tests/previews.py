"""Previews for the page of a plan: planned as the command does, from tables of few routes, many, and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pbxsync import differ
from pbxsync.effects import foreseen
from pbxsync.known_state import with_changes
from pbxsync.model import (
    Action,
    Change,
    Claim,
    DeclaredRoute,
    Desired,
    Doubt,
    KnownRoute,
    KnownState,
    Location,
    PlanChoices,
    Preview,
    Route,
)
from pbxsync.steps import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = PlanChoices(prune=True, max_deletes=1000, reorder=True)

#: Names that would do harm, or would not be seen, if the page took them for anything but text.
HOSTILE = (
    "<script>window.harmed = 1</script>",
    "</script><script>window.harmed = 1</script>",
    "<img src=x onerror=window.harmed=1>",
    "\"' onfocus=window.harmed=1 autofocus x='",
    "<!--<script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.harmed=1",
    "safe‮gnp.exe\u200b\u2066",
    "&lt;b&gt; &amp; ]]>",
    "W" * 400,
    "号" * 60,
    "a\u2028b\u2029c\x07\ud800",
    "::error::x ##[group]",
    "-" * 8,
    "",
)


def preview(before: Sequence[Route], declared: Sequence[Route], choices: PlanChoices = ALL, **more: object) -> Preview:
    """What `plan` makes of these routes of a PBX and of a file; ``more`` are fields of the file's Desired."""
    entries = tuple(DeclaredRoute(route, Location("hq.yaml", 4 + 6 * at, 5)) for at, route in enumerate(declared))
    known = KnownState("https://192.0.2.10", tuple(KnownRoute(route, str(at)) for at, route in enumerate(before, 1)))
    desired = replace(Desired("hq.yaml", entries, "hq", "https://192.0.2.10", no_hidden_fields=True), **more)  # type: ignore[arg-type]
    plan = foreseen(differ.plan(desired, known, choices), desired, known, choices)
    calls = [step.change for step in steps(plan)]
    after = tuple(one.route for one in with_changes(known.routes, calls))
    return Preview(plan, tuple(before), after)


def office() -> Preview:
    """A small office: one change of each kind, a warning, a failing test, an unmanaged route."""
    before = [
        Route("emergency", "911", ("fxo-1", "fxo-2")),
        Route("local", "NXXXXXX", ("sip-main", "fxo-1"), "9", "1212"),
        Route("long-distance", "1NXXNXXXXXX", ("sip-main",), "9"),
        Route("international", "011.", ("sip-main",), "9"),
        Route("old-carrier", "X.", ("sip-old",), "8"),
        Route("sales-mobile", "1[2-9]XXNXXXXXX", ("gsm-1", "gsm-2"), "9", "", "2XX"),
        Route("rest", "X.", ("sip-main",)),
        Route("fax", "5XXX", ("fxo-2",)),
    ]
    declared = [
        Route("emergency", "911", ("fxo-1", "fxo-2", "sip-main")),
        Route("local", "NXXXXXX", ("sip-main", "fxo-1"), "9", "1646"),
        Route("long-distance", "1NXXNXXXXXX", ("sip-second", "sip-main"), "9"),
        Route("international", "011.", ("sip-main",), "9", "", "[12]XX"),
        Route("sales-mobile", "1[2-9]XXNXXXXXX", ("gsm-1", "gsm-2"), "9", "", "2XX"),
        Route("fax", "5XXX", ("fxo-2",)),
        Route("berlin", "00493X.", ("sip-berlin",), "9", "", ""),
        Route("rest", "X.", ("sip-main",)),
    ]
    tests = (
        Claim(Location("hq.yaml", 60, 5), "911", route="emergency"),
        Claim(Location("hq.yaml", 62, 5), "_9011X.", "301", route="international"),
    )
    return preview(before, declared, tests=tests)


def many(count: int = 300) -> Preview:
    """A long table of which little changes."""
    trunks = [f"trunk-{number:02}" for number in range(1, 13)]

    def route(number: int) -> Route:
        caller = f"{number % 9 + 1}XX" if number % 7 == 0 else ""
        prefix = f"9{number:03}" if number % 3 else "0011"
        pattern = "X." if number % 3 else f"{number}NXX[2-7]X!"
        return Route(
            f"branch-{number:03}", pattern, (trunks[number % 12], trunks[(number * 5 + 1) % 12]), prefix, "", caller
        )

    before = [route(number) for number in range(count)]
    declared = [*before]
    declared[20] = replace(before[20], trunks=("trunk-99",))
    declared[21] = replace(before[21], prepend="00", prefix="98021")
    del declared[count // 2]
    declared.append(Route("new-branch", "7XXX", ("trunk-01",)))
    return preview(before, declared)


def hostile() -> Preview:
    """Every name, pattern and trunk is hostile, on the PBX and in the file."""
    before = [Route(f"{name}1", name, (name, f"t{name}"), "", name, name) for name in HOSTILE]
    before += [Route(name, f"{at}X.", (name,), "", name) for at, name in enumerate(HOSTILE)]
    declared = [Route(f"{name}2", name, (name,), "<b>", name, name) for name in HOSTILE]
    declared += [Route(name, f"{at}X.", (f"u{name}",), "9") for at, name in enumerate(HOSTILE)]
    made = preview(before, declared, file=HOSTILE[0], name=HOSTILE[1])
    doubt = Doubt(Change(Action.DELETE, before[0], None), HOSTILE[2])
    return replace(made, plan=replace(made.plan, pbx_url=HOSTILE[6], in_doubt=(doubt,), unmanaged=HOSTILE))


def quiet() -> Preview:
    """Nothing changes."""
    table = [Route("all", "X.", ("t",))]
    made = preview(table, table)
    return replace(made, plan=replace(made.plan, file="branch.yaml", pbx_name="branch"))
