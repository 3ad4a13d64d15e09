"""A reorder carried out over HTTP by a PBX that misbehaves: at every moment, each call goes as before or as after."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.applier import apply
from pbxsync.client import Client, Connection, Credentials
from pbxsync.differ import plan
from pbxsync.known_state import StateFile
from pbxsync.ledger import LiveLedger, RecordedLedger
from pbxsync.model import KnownRoute, KnownState, PlanChoices, Route, Status
from pbxsync.names import is_copy, original
from pbxsync.sandbox import Sandbox
from pbxsync.steps import outcomes, steps
from pbxsync.verification import stored_fault
from tests.applying import Waits
from tests.reordering import PRUNE, REORDER, Case, after, fates, moving, table
from tests.share import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pbxsync.ledger import Ledger
    from pbxsync.model import Outcome, Plan

CHOICES = st.sampled_from([REORDER, PRUNE])
KINDS = st.sampled_from(["json", "xml"])
CALLS = st.sampled_from(["outroute/add", "outroute/query", "outroute/delete", "outroute/update"])
#: What may go wrong without the PBX storing anything that it was not sent.
MISHAPS = st.sampled_from(
    ["refuse", "before:reset", "after:reset", "before:status:503", "after:cut-body", "after:html", "before:token"]
)
#: Where the PBX says that all is well, and does something else.
LIES = st.sampled_from(["lie", "twice", "drop-last", "alter:matchpattern=0", "alter:trunks=elsewhere", "alter:name=x"])


class Watched(Client):
    """A client that keeps what the PBX holds after each call."""

    def __init__(self, sandbox: Sandbox, kind: str) -> None:
        super().__init__(Connection(sandbox.url, kind, 5.0, 0), Credentials("t"))
        self._sandbox = sandbox
        self.seen: list[list[Route]] = [held(sandbox)]

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.seen.append(held(self._sandbox))

    def add_route(self, route: Route) -> None:
        with self._watching():
            super().add_route(route)

    def update_route(self, id: str, route: Route) -> None:
        with self._watching():
            super().update_route(id, route)

    def delete_route(self, name: str) -> None:
        with self._watching():
            super().delete_route(name)


def held(sandbox: Sandbox) -> list[Route]:
    fields = ("prefix", "prepend", "callerid")
    return [
        Route(row["name"], row["matchpattern"], tuple(row["trunks"].split(",")), **{name: row[name] for name in fields})
        for row in sandbox.routes()
    ]


def rows(routes: Sequence[Route]) -> list[dict[str, str]]:
    return [{**row.fields(), "trunks": ",".join(row.trunks)} for row in routes]  # type: ignore[dict-item]


def run(client: Watched, made: Plan, known: Sequence[KnownRoute], ledger: Ledger | None = None) -> list[Outcome]:
    return list(apply(made, client, ledger or LiveLedger(), lambda: False, Waits(), known))


def known(client: Client) -> KnownState:
    return KnownState("https://192.0.2.10", client.query_table().routes)


@given(moving(), CHOICES, KINDS, CALLS, st.integers(1, 4), MISHAPS)
@settings(max_examples=examples(100))
def test_whatever_answer_is_lost_each_call_goes_as_before_or_as_after_and_the_next_run_ends_it(
    case: Case, choices: PlanChoices, kind: str, call: str, number: int, mishap: str
) -> None:
    made = case.plan(choices)
    wanted = table(after(case.known, made))
    first, last = fates(case.held), fates(wanted)
    fault = f"{call}@{number}={mishap}"
    with Sandbox(tokens=["t"], routes=rows(case.held), faults=[fault]) as sandbox, Watched(sandbox, kind) as client:
        run(client, made, case.known.routes)
    both = {route.name for route in case.held} & {route.name for route in case.declared}
    for routes in client.seen:
        now = fates(routes)
        assert all(now[call] in (first[call], last[call]) for call in now)
        assert both <= {original(route.name) for route in routes}
    with Sandbox(tokens=["t"], routes=rows(client.seen[-1])) as healthy, Watched(healthy, kind) as again:
        state = known(again)
        rest = plan(case.desired, state, choices)
        assert all(outcome.status is Status.APPLIED for outcome in run(again, rest, state.routes))
        assert held(healthy) == wanted
        assert plan(case.desired, known(again), choices).changes == ()


@given(moving(), CHOICES, KINDS, st.data())
@settings(max_examples=examples(60))
def test_a_file_that_changed_while_a_reorder_was_half_done_is_what_the_next_runs_bring(
    case: Case, choices: PlanChoices, kind: str, data: st.DataObject
) -> None:
    state = case.known
    for _ in range(2):
        made = case.plan(choices) if state is case.known else plan(case.desired, state, choices)
        state = after(state, made, data.draw(st.integers(0, len(steps(made)))))
        case = Case(tuple(data.draw(st.permutations(case.declared))), ())
    with Sandbox(tokens=["t"], routes=rows(table(state))) as sandbox, Watched(sandbox, kind) as client:
        # Where a copy is not where this file needs it, one run gives it its name, and the next one moves the route.
        for _ in range(3):
            now = known(client)
            client.seen = [table(now)]
            made = plan(case.desired, now, choices)
            if not made.changes:
                break
            assert all(outcome.status is Status.APPLIED for outcome in run(client, made, now.routes))
            first, last = fates(table(now)), fates(held(sandbox))
            for between in map(fates, client.seen):
                assert all(between[call] in (first[call], last[call]) for call in between)
        assert set(case.declared) <= set(held(sandbox))
        assert plan(case.desired, known(client), choices).changes == ()


@given(moving(), CHOICES, KINDS, st.integers(1, 3), LIES)
@settings(max_examples=examples(100))
def test_where_what_is_added_is_not_there_as_it_was_sent_nothing_is_deleted(
    case: Case, choices: PlanChoices, kind: str, number: int, lie: str
) -> None:
    made = case.plan(choices)
    added = [step.change.after for step in steps(made) if step.change.before is None]
    with Sandbox(tokens=["t"], routes=rows(case.held), faults=[f"outroute/add@{number}={lie}"]) as sandbox:
        with Watched(sandbox, kind) as client:
            sent = run(client, made, case.known.routes)
        as_sent = held(sandbox)[: len(case.held)] == list(case.held) and held(sandbox)[len(case.held) :] == added
        if number <= len(added) and any(change.move for change in made.changes) and not as_sent:
            assert "outroute/delete" not in [request.call for request in sandbox.requests]
            assert Status.FAILED in {outcome.status for outcome in outcomes(made, sent)}
            assert held(sandbox)[: len(case.held)] == list(case.held)


@given(moving(), KINDS, CALLS, st.integers(1, 3), MISHAPS, st.sampled_from(["known", "none", "stale"]))
@settings(max_examples=examples(60))
def test_recorded_the_file_holds_what_the_pbx_does_but_for_the_doubt_and_completes_once_it_is_settled(
    state_path: Path, case: Case, kind: str, call: str, number: int, mishap: str, ids: str
) -> None:
    recorded = [
        replace(held, id={"known": held.id, "none": None}.get(ids, f"9{held.id}")) for held in case.known.routes
    ]
    made = plan(case.desired, KnownState("https://192.0.2.10", tuple(recorded)), REORDER)
    wanted = table(after(case.known, made))
    file = StateFile(state_path, replace(case.known, routes=tuple(recorded), source=str(state_path)))
    with Sandbox(tokens=["t"], routes=rows(case.held), faults=[f"{call}@{number}={mishap}"]) as sandbox:
        with Watched(sandbox, kind) as client:
            run(client, made, case.known.routes, RecordedLedger(file))
        there = held(sandbox)
    file.end()
    for doubt in StateFile.read(state_path, pbx=None).state.doubts if state_path.exists() else ():
        done = stored_fault(doubt.change, [KnownRoute(route) for route in there]) is None
        file.settle(doubt.change, applied=done)
    assert table(file.state) == there
    with Sandbox(tokens=["t"], routes=rows(there)) as healthy, Watched(healthy, kind) as again:
        state = replace(known(again), source=str(state_path))
        file.write(state)
        rest = plan(case.desired, state, REORDER)
        assert all(outcome.status is Status.APPLIED for outcome in run(again, rest, state.routes, RecordedLedger(file)))
        assert held(healthy) == wanted == table(StateFile.read(state_path, pbx=None).state)
        file.close()
    assert not any(is_copy(route.name) for route in wanted)


@pytest.fixture(scope="module")
def state_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all examples of the property."""
    return tmp_path_factory.mktemp("reordered") / "state.json"
