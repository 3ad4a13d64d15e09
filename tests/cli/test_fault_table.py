"""The fault table, row by row: each call, each way in which it fails, in JSON and XML, live and with a state file.

A run brings a PBX of three routes to what a file declares: one update, two adds, one delete. The first call of one kind
fails. What the run says is checked, its exit code, what the PBX received and what it holds then; and that the next runs
come to the end, with no route there twice.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from pbxsync.known_state import StateFile
from pbxsync.sandbox import Sandbox
from tests.cli import process, reordering
from tests.cli.mischief import Front, Trouble
from tests.cli.process import declare, names, route, stored
from tests.cli.reordering import done_to, without_ids
from tests.fault_table import (
    CHANGES,
    LOGINS,
    LOGOUT,
    LOGOUTS,
    QUERIES,
    UNSETTLED,
    Kind,
    Way,
    change,
    login,
    query,
)
from tests.in_process import inside
from tests.share import crossed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.cli.process import Ended

# The file changes «edit», adds «new» and «last» and has no «old»; no route takes another's calls.
KEEP, OLD = route("keep", "1XXX"), route("old", "3XXX")
HELD = [KEEP, route("edit", "2XXX"), OLD]
EDIT, NEW, LAST = route("edit", "2XXX", ["b"]), route("new", "4XXX"), route("last", "5XXX")
WANTED = [KEEP, EDIT, NEW, LAST]
#: The steps of the run in their order, and the PBX's routes before them and after each of them.
STEPS = ["update edit", "add new", "add last", "delete old"]
TABLES = [HELD, [KEEP, EDIT, OLD], [KEEP, EDIT, OLD, NEW], [KEEP, EDIT, OLD, NEW, LAST], WANTED]
#: The calls that change something, each with the step that is the first of its kind.
STRUCK = {"outroute/update": 0, "outroute/add": 1, "outroute/delete": 3}
#: How often the PBX is queried before each of these: its table twice and by name, then after the first add and before
#: the delete.
QUERIED = {"outroute/update": 3, "outroute/add": 3, "outroute/delete": 5}

#: Longer than what an address may hold by chance: no message shows a token.
TOKEN = "token-of-the-table"
LOGIN = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": "sandbox"}
STATE = Path("state.json")

TYPES = ("json", "xml")
SOURCES = ("live", "state")


@dataclass
class Site:
    """A PBX, the way to it, and the runs of pbxsync for it."""

    pbx: Sandbox
    url: str
    kind: str
    recorded: bool
    env: dict[str, str] = field(default_factory=dict)
    arguments: tuple[object, ...] = ("--prune",)
    front: Front | None = None

    @property
    def state(self) -> tuple[object, ...]:
        return ("--state", STATE) if self.recorded else ()

    def run(self, command: str, *arguments: object, **env: str) -> Ended:
        """A run of pbxsync on the routes file."""
        settings = {"PBXSYNC_URL": self.url, "PBXSYNC_TYPE": self.kind, **self.env, **env}
        # What Python reads at its start is read by a new process alone.
        run = process.pbxsync if "PYTHONPATH" in settings else inside
        return run(command, "routes.yaml", *self.state, *self.arguments, *arguments, env=settings)

    def apply(self, *arguments: object, **env: str) -> Ended:
        """An apply, its result in JSON."""
        return self.run("apply", "--format", "json", *arguments, **env)

    def received(self) -> list[str]:
        """The changes that the PBX received."""
        return [one for one in done_to(self.pbx) if one.partition(" ")[0] in ("add", "update", "delete")]

    def count(self, call: str) -> int:
        """How often the PBX received a call."""
        return process.calls(self.pbx).count(call)

    def holds(self, routes: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the PBX holds these routes, in this order, and no other."""
        return without_ids(self.pbx.routes()) == without_ids(stored(*routes))

    def doubts(self) -> list[str]:
        """What the state file has in doubt."""
        state = StateFile.read(STATE, pbx=None).state
        return [f"{doubt.change.action} {doubt.change.name}" for doubt in state.doubts]

    def known(self) -> list[dict[str, Any]]:
        """The routes that the state file has recorded."""
        return [
            {name: list(value) if isinstance(value, tuple) else value for name, value in one.route.fields().items()}
            for one in StateFile.read(STATE, pbx=None).state.routes
        ]

    def comes_to_the_end(self, wanted: Sequence[Mapping[str, Any]] = WANTED) -> None:
        """See that the next apply does what is left to do: then all is there, and nothing twice."""
        if self.front is not None:
            self._go_around()
        done = self.apply(PBXSYNC_TOKEN="", **LOGIN)
        assert done.code == 0, done.everything
        assert self.holds(wanted)
        if self.recorded:
            assert (without_ids(stored(*self.known())), self.doubts()) == (without_ids(stored(*wanted)), [])

    def _go_around(self) -> None:
        """Lead straight to the PBX, as its new address."""
        if self.recorded:
            text = STATE.read_text(encoding="utf-8")
            STATE.write_text(text.replace(self.url, self.pbx.url), encoding="utf-8")
        self.url = self.pbx.url
        self.env.pop("PYTHONPATH", None)


@pytest.fixture(scope="module")
def authorities() -> tuple[trustme.CA, trustme.CA]:
    return trustme.CA(), trustme.CA()


@contextlib.contextmanager
def site(
    way: Way | str,
    struck: str,
    kind: str,
    source: str,
    authorities: tuple[trustme.CA, trustme.CA],
    *,
    more: Sequence[str] = (),
    credentials: Mapping[str, str] | None = None,
    passes: int = 0,
    back_after: float = 0,
    held: Sequence[Mapping[str, Any]] = HELD,
    wanted: Sequence[Mapping[str, Any]] = WANTED,
) -> Iterator[Site]:
    """A PBX that holds routes, a file that declares others, and the trouble: ``struck`` is ``CALL@WHICH``.

    ``passes`` are the requests that come through before the trouble, where the PBX can't be reached.
    """
    strikes = way.strikes if isinstance(way, Way) else way
    trouble = Trouble(strikes) if strikes in list(Trouble) else None
    faults = [] if trouble else [f"{struck}={strikes}".format(call=struck.partition("@")[0])]
    token = {"PBXSYNC_TOKEN": TOKEN} if credentials is None else dict(credentials)
    # Who waits for a time limit waits briefly; nobody else may come near one on a busy machine.
    postponed = isinstance(way, Way) and way.kind is Kind.POSTPONED
    brief = postponed or strikes.partition(":")[2].partition(":")[0] in ("hang", "slow")
    timeout = "0.5" if brief else "20"
    env = {"PBXSYNC_RETRIES": "1", "PBXSYNC_TIMEOUT": timeout, **token}
    declare("routes.yaml", wanted)
    with (
        Sandbox(tokens=[TOKEN], routes=stored(*held), faults=[*faults, *more]) as pbx,
        contextlib.ExitStack() as fronts,
    ):
        made = Site(pbx, pbx.url, kind, source == "state", env)
        if trouble is not None:
            made.front = fronts.enter_context(Front(pbx, trouble, passes, authorities, back_after))
            made.url = made.front.url
            made.env.update(made.front.env)
        if made.recorded:
            record(made)
        yield made


def record(made: Site) -> None:
    """Write the state file as it is after a refresh."""
    routes = [{**one, "trunks": one["trunks"].split(",")} for one in made.pbx.routes()]
    state = {"format_version": "1.0", "pbx": {"url": made.url}, "routes": routes, "doubts": []}
    STATE.write_text(json.dumps(state), encoding="utf-8")


def statuses(done: Ended) -> list[str]:
    """What became of each change of the one plan."""
    return [one["status"] for one in done.json["plans"][0]["outcomes"]]


def rows(ways: Iterable[Way], *calls: str) -> list[Any]:
    """Every way with every call, and formats and sources with them, as parameters of a test."""
    return [
        pytest.param(way, *row, id="-".join([way.name, *(part.rpartition("/")[2] for part in row)]))
        for at, (way, call) in enumerate(product(ways, calls or [None]))
        for row in _combined(call, at)
    ]


def _combined(call: str | None, at: int) -> list[tuple[str, ...]]:
    return [(*([call] if call else []), *pair) for pair in crossed(TYPES, SOURCES, at)]


def credentials(way: Way) -> dict[str, str]:
    """The token ``t``, and what a run needs to get another one where it is to do that."""
    return {"PBXSYNC_TOKEN": TOKEN, **(LOGIN if way.kind is Kind.EXPIRED else {})}


# --- a change -------------------------------------------------------------------------------------------------------


def sent_again(way: Way) -> bool:
    """Whether the run sends a change a second time: the PBX says, or shows, that it did nothing."""
    return way.kind is Kind.EXPIRED or (way.silent and not way.carried_out)


def expected(way: Way, at: int) -> tuple[list[str], int, list[str]]:
    """What the PBX receives, how many steps it carries out, and what the run says of each change."""
    goes_on = change(way).asked.code is None
    rest = ["not_attempted"] * (len(STEPS) - at - 1)
    if goes_on:
        again = [STEPS[at]] if sent_again(way) else []
        return [*STEPS[:at], *again, *STEPS[at:]], len(STEPS), ["applied"] * len(STEPS)
    left = 0 if way.kind in (Kind.UNREACHED, Kind.MISTRUSTED) else 1
    status = "in_doubt" if change(way).asked.code == 3 else "failed"
    return STEPS[: at + left], at + int(way.carried_out), [*["applied"] * at, status, *rest]


@pytest.mark.parametrize(("way", "call", "kind", "source"), rows(CHANGES, *STRUCK))
def test_a_change_that_fails(
    way: Way, call: str, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    at = STRUCK[call]
    passes = QUERIED[call] + at
    with site(way, f"{call}@1", kind, source, authorities, credentials=credentials(way), passes=passes) as made:
        done = made.apply("-v")
        ending = change(way).asked
        received, carried_out, said = expected(way, at)
        assert (done.code, statuses(done)) == (ending.exit, said), done.err
        assert made.received() == received
        assert made.holds(TABLES[carried_out])
        if ending.exit:
            assert way.message(kind) in done.err
        if way.kind in (Kind.UNREACHED, Kind.MISTRUSTED):
            tries = 2 if way.kind is Kind.UNREACHED else 1
            assert done.err.count(f"{call}: ") - 1 == tries, done.err
        if made.recorded:
            assert made.doubts() == ([STEPS[at]] if ending.exit == 3 else [])
            recorded = at if ending.exit == 3 else carried_out
            assert without_ids(stored(*made.known())) == without_ids(stored(*TABLES[recorded]))
        if ending.exit == 3 and made.recorded:
            settle(made, STEPS[at], way.carried_out, look_first=call == "outroute/add")
        if way.kind is Kind.LOST or call == "outroute/add":
            made.comes_to_the_end()


def settle(made: Site, step: str, carried_out: bool, *, look_first: bool) -> None:
    """Settle a doubt as somebody does who has looked on the PBX; before that nothing is sent."""
    if look_first:
        before = process.calls(made.pbx)
        planned = made.run("plan", "--format", "json")
        assert planned.code == 3
        assert "in-doubt" in reordering.rules(planned)
        blocked = made.apply()
        assert blocked.code == 3
        assert "nothing is sent while an outcome is in doubt" in blocked.err
        assert process.calls(made.pbx) == before
    name = step.partition(" ")[2]
    answer = "--applied" if carried_out else "--not-applied"
    assert inside("resolve", "--state", STATE, answer, "--", name).code == 0
    assert made.doubts() == []


LOST = [way for way in CHANGES if way.kind is Kind.LOST]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("way", LOST, ids=lambda way: way.name)
def test_a_change_whose_answer_is_lost_and_after_which_no_query_is_answered(
    way: Way, kind: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    call = list(STRUCK)[LOST.index(way) % len(STRUCK)]
    at = STRUCK[call]
    asked = QUERIED[call] + 1
    silent = [f"outroute/query@{asked}-{asked + 3}=status:500"]
    with site(way, f"{call}@1", kind, "live", authorities, more=silent) as made:
        done = made.apply()
        assert done.code == UNSETTLED.asked.exit
        assert statuses(done) == [*["applied"] * at, "in_doubt", *["not_attempted"] * (3 - at)]
        assert way.message(kind) in done.err
        assert "asked again, the PBX does not say whether it was carried out" in done.err
        assert made.received() == STEPS[: at + 1]
        assert made.holds(TABLES[at + int(way.carried_out)])
        made.comes_to_the_end()
        assert made.received() == [*STEPS[: at + 1], *STEPS[at + int(way.carried_out) :]]


# --- what is asked before anything is sent --------------------------------------------------------------------------


def nothing_was_sent(made: Site) -> None:
    """See that the PBX and the state file are as they were."""
    assert made.received() == []
    assert made.holds(HELD)
    if made.recorded:
        assert (made.known(), made.doubts()) == (
            [{"prefix": "", "prepend": "", "callerid": "", **one} for one in HELD],
            [],
        )


@pytest.mark.parametrize(("way", "kind", "source"), rows(LOGINS))
def test_a_login_that_fails(way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]) -> None:
    with site(way, "login@1", kind, source, authorities, credentials=LOGIN) as made:
        done = made.apply()
        assert done.code == login(way).exit
        assert way.message(kind) in done.err
        assert process.calls(made.pbx) == ([] if way.kind in (Kind.UNREACHED, Kind.MISTRUSTED) else ["login"])
        nothing_was_sent(made)


@pytest.mark.parametrize(("way", "kind", "source"), rows(QUERIES))
def test_a_query_before_anything_is_sent_that_fails_each_time(
    way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    with site(way, "outroute/query@1-2", kind, source, authorities, credentials=credentials(way)) as made:
        done = made.apply()
        assert done.code == query(way).always
        assert way.message(kind) in done.err
        assert made.count("outroute/query") == asked(way, first=True)
        nothing_was_sent(made)


def asked(way: Way, *, first: bool = False) -> int:
    """How often the PBX receives a query that fails each time, with one retry.

    A connection that was used before, and is closed, does not count as a try. The first of all calls has a new one.
    """
    never, once = (Kind.UNREACHED, Kind.MISTRUSTED), (Kind.REFUSED, Kind.POSTPONED)
    return 0 if way.kind in never else 1 if way.kind in once else 2 + int(way.silent and not first)


# --- the check at the end, and the logout ---------------------------------------------------------------------------

#: The number of the query at the end: five come before it and between the steps.
LAST_QUERY = 6


@pytest.mark.parametrize(("way", "kind", "source"), rows(QUERIES))
def test_a_check_at_the_end_that_fails_each_time(
    way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    last = LAST_QUERY - 1 + max(asked(way), 1)
    found, passes = credentials(way), LAST_QUERY - 1 + len(STEPS)
    with site(
        way, f"outroute/query@{LAST_QUERY}-{last}", kind, source, authorities, credentials=found, passes=passes
    ) as made:
        done = made.apply()
        assert done.code == query(way).always
        assert "what the PBX stored can't be checked: outroute/query: " in done.err
        assert way.message(kind) in done.err
        assert statuses(done) == ["applied"] * 4
        assert made.count("outroute/query") == LAST_QUERY - 1 + asked(way)
        assert made.received() == STEPS
        assert made.holds(WANTED)
        made.comes_to_the_end()
        assert made.received() == STEPS


def kinds(ways: Iterable[Way], *wanted: Kind) -> list[Way]:
    return [way for way in ways if way.kind in wanted]


@pytest.mark.parametrize(("way", "kind", "source"), rows(kinds(QUERIES, Kind.UNREACHED, Kind.EXPIRED)))
@pytest.mark.parametrize(("at", "passes"), [(1, 0), (LAST_QUERY, LAST_QUERY - 1 + len(STEPS))], ids=["first", "last"])
def test_a_query_that_fails_once(
    at: int, passes: int, way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    struck, found = f"outroute/query@{at}", credentials(way)
    with site(way, struck, kind, source, authorities, credentials=found, passes=passes, back_after=0.3) as made:
        # So many retries that their pauses are longer than the time for which the PBX is away.
        done = made.apply("--retries", 9 if made.front else 1)
        assert done.code == query(way).once, done.err
        assert_done(made, done)


@pytest.mark.parametrize(("way", "kind", "source"), rows(kinds(QUERIES, Kind.LOST)))
def test_a_query_a_check_and_a_logout_that_get_no_answer_once(
    way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    more = [f"outroute/query@{LAST_QUERY + 1}={way.strikes}", f"logout@1={way.strikes}"]
    with site(way, "outroute/query@1", kind, source, authorities, more=more, credentials=LOGIN) as made:
        done = made.apply()
        assert done.code == query(way).once == LOGOUT.exit, done.err
        ask = ["outroute/query"]
        update, add, last, delete = (f"outroute/{step.partition(' ')[0]}" for step in STEPS)
        changing = [update, add, *ask, last, *ask, delete]
        assert process.calls(made.pbx) == ["login", *ask * 4, *changing, *ask * 2, "logout"]
        assert_done(made, done)


@pytest.mark.parametrize(("way", "kind", "source"), rows(kinds(LOGOUTS, Kind.UNREACHED, Kind.MISTRUSTED, Kind.REFUSED)))
def test_a_logout_that_fails(way: Way, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]) -> None:
    passes = 1 + LAST_QUERY + len(STEPS)
    with site(way, "logout@1", kind, source, authorities, credentials=LOGIN, passes=passes) as made:
        done = made.apply()
        assert done.code == LOGOUT.exit, done.err
        assert made.count("logout") == int(way.kind is Kind.REFUSED)
        assert_done(made, done)


def assert_done(made: Site, done: Ended) -> None:
    """See that everything was done and recorded, and that nothing is told but what is always told."""
    assert statuses(done) == ["applied"] * 4
    assert done.err.count("pbxsync: ") == done.err.count("pbxsync: warning: ")
    assert made.received() == STEPS
    assert made.holds(WANTED)
    if made.recorded:
        # The check at the end tells the ids of what was added.
        assert made.doubts() == []
        assert all(known.id is not None for known in StateFile.read(STATE, pbx=None).state.routes)


# --- firmware that can't be asked -----------------------------------------------------------------------------------

UNKNOWN = [way for way in QUERIES if way.name in ("unknown-call", "404")]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("way", UNKNOWN, ids=lambda way: way.name)
def test_firmware_that_does_not_know_the_query_takes_adds_from_a_state_file(
    way: Way, kind: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    held, wanted = [KEEP], [KEEP, NEW, LAST]
    with site(way, "outroute/query@1-", kind, "state", authorities, held=held, wanted=wanted) as made:
        text = STATE.read_text(encoding="utf-8")
        STATE.write_text(text.replace('"id": "1"', '"id": null'), encoding="utf-8")
        done = made.apply()
        assert (done.code, made.received()) == (0, ["add new", "add last"]), done.err
        assert "so what it held before and what it stored was not checked" in done.out
        assert made.holds(wanted)
        assert (len(made.known()), made.doubts()) == (3, [])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("way", LOST, ids=lambda way: way.name)
def test_an_add_whose_answer_is_lost_by_firmware_that_only_adds(
    way: Way, kind: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    held, wanted = [KEEP], [KEEP, NEW, LAST]
    unasked = ["outroute/query@*=refuse:10003"]
    with site(way, "outroute/add@1", kind, "state", authorities, more=unasked, held=held, wanted=wanted) as made:
        made.arguments = ("--add-only",)
        done = made.apply()
        assert (done.code, statuses(done)) == (change(way).unasked.exit, ["in_doubt", "not_attempted"])
        assert way.message(kind) in done.err
        assert made.received() == ["add new"]
        assert made.doubts() == ["add new"]
        settle(made, "add new", way.carried_out, look_first=True)
        assert made.apply(PBXSYNC_TIMEOUT="20").code == 0
        assert made.holds(wanted if way.carried_out or made.received().count("add new") == 2 else [])


# --- the steps of a reorder -----------------------------------------------------------------------------------------

#: One way of each kind that a step can meet; all of them are above.
SENT_ONCE = ("refused", "errno", "cut-head-before")
MEETS = [way for way in CHANGES if way.name in (*SENT_ONCE, "reset-before", "reset-after", "html-after")]


@pytest.mark.parametrize(("way", "step", "kind", "source"), rows(MEETS, *reordering.STEPS))
def test_a_step_of_a_reorder_that_fails(
    way: Way, step: str, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    at = list(reordering.STEPS).index(step)
    passes = reordering.QUERIES + at + reordering.LOOKS[step]
    with site(
        way, step, kind, source, authorities, passes=passes, held=reordering.HELD, wanted=reordering.WANTED
    ) as made:
        made.arguments = ("--reorder",)
        done = made.apply()
        ending = change(way).asked
        assert done.code == ending.exit, done.err
        left = len(reordering.ALL) if ending.code is None else at + int(way.kind is not Kind.UNREACHED)
        again = [reordering.ALL[at]] if sent_again(way) else []
        assert reordering.changing(made.pbx) == [*reordering.ALL[:at], *again, *reordering.ALL[at:left]]
        carried_out = len(reordering.ALL) if ending.code is None else at + int(way.carried_out)
        assert names(made.pbx) == reordering.expected_after(reordering.ALL[:carried_out])
        assert reordering.astray(made.pbx) == []
        if ending.exit:
            assert way.message(kind) in done.err
        assert not made.recorded or made.doubts() == []
        # What was begun is finished without being told to.
        made.arguments = () if reordering.half_done(made.pbx) else ("--reorder",)
        made.comes_to_the_end(reordering.WANTED)
        refused = not way.carried_out and left > at and bool(ending.exit)
        assert made.received().count(reordering.ALL[at]) == 1 + int(refused or sent_again(way))


#: The steps before which the PBX is looked at.
LOOKED_BEFORE = ["outroute/add@2", "outroute/add@3", "outroute/delete@1", "outroute/update@1"]
LOOKS = [way for way in QUERIES if way.name in ("refused", "errno", "reset", "500", "html", "wrong-type")]


@pytest.mark.parametrize(("way", "step", "kind", "source"), rows(LOOKS, *LOOKED_BEFORE))
def test_a_look_in_the_middle_of_a_reorder_that_fails_each_time(
    way: Way, step: str, kind: str, source: str, authorities: tuple[trustme.CA, trustme.CA]
) -> None:
    before = reordering.before(step)
    first = reordering.QUERIES + reordering.LOOKS[step]
    struck = f"outroute/query@{first}-{first + max(asked(way), 1) - 1}"
    passes = len(before) + first - 1
    with site(
        way, struck, kind, source, authorities, passes=passes, held=reordering.HELD, wanted=reordering.WANTED
    ) as made:
        made.arguments = ("--reorder",)
        done = made.apply()
        assert done.code == query(way).always
        assert "the PBX has to show first what it holds, and asking it fails: outroute/query: " in done.err
        assert way.message(kind) in done.err
        assert reordering.changing(made.pbx) == before
        assert reordering.astray(made.pbx) == []
        assert not made.recorded or made.doubts() == []
        made.arguments = () if reordering.half_done(made.pbx) else ("--reorder",)
        made.comes_to_the_end(reordering.WANTED)
