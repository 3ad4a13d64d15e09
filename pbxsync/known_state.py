"""What is known to be on a PBX, kept in a state file: read, checked, and written after every outcome.

The live PBX is the other source of a known state; see `pbxsync.client`. Both give a `KnownState`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pbxsync.errors import StateError
from pbxsync.marks import Marks, Replaced
from pbxsync.model import Change, Doubt, KnownRoute, KnownState
from pbxsync.regular_file import read_regular
from pbxsync.state_text import InRun, NoState, Sign, dump, parse, sign_places
from pbxsync.text import command_line
from pbxsync.urls import normal_url, same_pbx_key
from pbxsync.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

#: The largest state file that is read, in bytes: one with 100,000 routes, and as many to be sent, is a quarter of it.
MAX_BYTES = 256 * 1024 * 1024

_CUT_OFF = "it was sent, and what became of it was not recorded"


def with_changes(routes: Iterable[KnownRoute], changes: Iterable[Change]) -> tuple[KnownRoute, ...]:
    """The routes as they are once the PBX has carried out the changes: an add goes behind those that exist.

    The changes are single calls: adds, updates and deletes.
    """
    changes = list(changes)
    named = {change.before.name for change in changes if change.before} | {
        change.after.name for change in changes if change.after
    }
    table: list[KnownRoute | None] = list(routes)
    places: dict[str, list[int]] = {}
    for at, known in enumerate(table):
        if known is not None and known.route.name in named:
            places.setdefault(known.route.name, []).append(at)
    for change in changes:
        meant = _meant(change, table, places) if change.before else len(table)
        if meant is None:
            continue
        if change.after is None:
            table[meant] = None
            continue
        known = table[meant] if change.before else None
        if known is None:
            table.append(KnownRoute(change.after))
        else:
            table[meant] = replace(known, route=change.after)
        places.setdefault(change.after.name, []).append(meant)
    return tuple(known for known in table if known is not None)


def _meant(change: Change, table: Sequence[KnownRoute | None], places: Mapping[str, list[int]]) -> int | None:
    """The place of the route that a change updates or deletes, which it loses; None where there is none.

    Of several of one name it is the one with the change's id. A route is deleted by its name, so a single one of that
    name is meant; and updated by its id, which nobody may know yet of a route that was added.
    """
    named = places.get(change.before.name, []) if change.before else []
    ids = {at: known.id for at in named if (known := table[at]) is not None}
    found = [at for at in named if ids[at] == change.id] or [
        at for at in named if len(named) == 1 and (change.after is None or ids[at] is None)
    ]
    if not found:
        return None
    named.remove(found[-1])
    return found[-1]


#: So many saved plans that were applied are remembered; what was made before those is stale long since.
_PLANS = 20


class StateFile:
    """A recorded known state on disk, as JSON by ``schema/state.schema.json``.

    What is recorded is on disk when a method returns. The file is written whole or not at all, but for a run: once
    `begin` has written what is going to be sent, `sending` and `settle` change one sign each in it, which takes no
    longer in a big file, and no room. Every method raises StateError with the reason and what to do.
    """

    def __init__(self, path: Path, state: KnownState) -> None:
        self.path = path
        self._written = state
        self._run: _Run | None = None
        #: What is recorded of saved plans before the run and from its begin on, where it is that of one.
        self._plans: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        #: Whether a change was carried out: where routes are moved, what is left is written again without those.
        self._carried = False
        #: Whether somebody else wrote the file during the run, which must not be undone.
        self._theirs = False

    @property
    def state(self) -> KnownState:
        """What the file holds: the routes with what was carried out, and in doubt what was sent without an answer."""
        return _with_run(self._written, self._run.changes) if self._run else self._written

    @classmethod
    def read(cls, path: Path, *, pbx: str | None, init: bool = False) -> StateFile:
        """Read the file. ``pbx`` is the address that it must belong to; None takes any.

        A missing file is an error, or with ``init`` an empty state that becomes a file with the first write.
        """
        try:
            text = read_regular(path, MAX_BYTES).decode("utf-8")
        except FileNotFoundError:
            if init and not path.absolute().parent.is_dir():
                raise StateError(f"{path}: the folder for the state file doesn't exist; make it first") from None
            if init:
                return cls(path, KnownState(pbx, (), str(path)))
            raise StateError(
                f"{path}: there is no such state file; record one with: {_refresh(path, pbx)}; or, to plan and apply "
                "for a PBX without routes, begin an empty one with --init"
            ) from None
        except UnicodeDecodeError:
            raise StateError(f"{path}: not a state file: it is not UTF-8") from None
        except OSError as error:
            raise StateError(f"{path}: the state file can't be read: {error.strerror}") from None
        try:
            state, run = parse(text, str(path))
        except NoState as error:
            raise StateError(
                f"{path}: not a state file that this pbxsync can read: {error}; restore it, or, since it may hold "
                f"outcomes in doubt, look through it, move it away, and record a new one with: "
                f"{_refresh(path, pbx)}"
            ) from None
        if pbx is not None and not _same(state.pbx, pbx):
            raise StateError(
                f"{path}: the state file is of another PBX: it belongs to {state.pbx}, the routes are for {pbx}; "
                "name the right --state, or, if it is the same PBX at a new address, correct pbx.url in the state file"
            )
        return cls(path, _with_run(state, run) if run else state)

    def write(self, state: KnownState) -> None:
        """Replace what is recorded. A run that was begun is over."""
        self._write(state, [])

    def note_plan(self, checksum: str) -> None:
        """Have the run that `begin` will write recorded as that of the saved plan with this checksum.

        Of a run that changed nothing, `end` takes that back: it may be tried again.
        """
        before = self.state.applied_plans
        self._plans = before, (*before, checksum)[-_PLANS:]

    def begin(self, changes: Iterable[Change], routes: Iterable[KnownRoute] | None = None) -> None:
        """Record what is going to be sent, in its order, and the PBX's routes where it has told them.

        It proves, before anything is sent, that the file can be written.
        """
        state = self.state if routes is None else replace(self.state, routes=tuple(routes))
        if self._plans is not None:
            state = replace(state, applied_plans=self._plans[1])
        self._write(state, [InRun(change) for change in changes])

    def sending(self, change: Change) -> None:
        """Record that the run's next change is about to be sent: should nothing follow, its outcome is in doubt.

        Raises ValueError for any other change: what is sent must be what is recorded.
        """
        if self._run is None or self._run.next != InRun(change):
            raise ValueError("this is not what the run was to send next")
        self._sign(self._run, Sign.SENT)

    def settle(self, change: Change, *, applied: bool) -> None:
        """Record that the PBX carried the change out, or that it did not: the one just sent, or one in doubt."""
        if self._run is not None:
            self._sign(self._run, Sign.APPLIED if applied else Sign.NOT_APPLIED)
            self._run.settled += 1
            return
        routes = self.state.routes
        # A route that was added may be recorded already: by a refresh, before somebody settled the doubt.
        if applied and not (change.before is None and any(known.route.name == change.name for known in routes)):
            routes = with_changes(routes, [change])
        self.write(replace(self.state, routes=routes, doubts=self._other_doubts(change)))

    def doubt(self, change: Change, reason: str) -> None:
        """Record why nobody knows whether the PBX carried out the change, and end the run."""
        try:
            self.write(replace(self.state, doubts=(*self._other_doubts(change), Doubt(change, reason))))
        except StateError:
            # That it is in doubt stands in the file since before it was sent; without the reason, it is as true.
            if not self._is_in_doubt(change):
                raise

    def end(self, routes: Iterable[KnownRoute] | None = None) -> None:
        """End the run: the routes are what its signs make of them, or what the PBX has told that they are."""
        if self._theirs:
            return
        state = self.state
        if self._plans is not None and self._run is not None and self._changed_nothing(self._run):
            state = replace(state, applied_plans=self._plans[0])
        if routes is not None:
            self.write(replace(state, routes=tuple(routes)))
        elif self._run is not None:
            self.write(state)

    def close(self) -> None:
        """Let go of the file, as it is."""
        if self._run is not None:
            self._run.marks.close()

    def _write(self, state: KnownState, run: list[InRun]) -> None:
        text = dump(state, run)
        self.close()  # not every system lets a file be replaced that is open
        try:
            write_whole(self.path, text)
            self._written, self._run = state, None
            if run:
                self._run = _Run(run, Marks(self.path, sign_places(text)))
        except OSError as error:
            raise self._unwritable(error) from None

    def _sign(self, run: _Run, sign: Sign) -> None:
        """Say in the file, and then here, what became of the run's next change."""
        try:
            run.marks.change(run.settled, run.next.sign, sign)
        except Replaced:
            self._theirs = True
            raise StateError(
                f"{self.path}: somebody else has written the state file while this apply was at work; it stays as they "
                f"left it, without what this run did. Record what the PBX holds with: {_refresh(self.path, None)}; or, "
                "where the PBX can't be queried, add to the file by hand what the run says that it applied"
            ) from None
        except OSError as error:
            raise StateError(
                f"{self.path}: what became of a change can't be recorded: {error.strerror or error}"
            ) from None
        run.changes[run.settled] = replace(run.next, sign=sign)
        self._carried = self._carried or sign is Sign.APPLIED

    def _changed_nothing(self, run: _Run) -> bool:
        """Whether no change of the run was carried out, nor is in doubt."""
        return not self._carried and all(one.sign in (Sign.WAITING, Sign.NOT_APPLIED) for one in run.changes)

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(
            f"{self.path}: the state file can't be written: {error.strerror or error}; nothing in it changed. "
            "Its folder must exist and take a second file of its size"
        )

    def _other_doubts(self, change: Change) -> tuple[Doubt, ...]:
        return tuple(doubt for doubt in self.state.doubts if _sent(doubt.change) != _sent(change))

    def _is_in_doubt(self, change: Change) -> bool:
        """Whether the file itself has the change in doubt."""
        try:
            doubts = StateFile.read(self.path, pbx=None).state.doubts
        except StateError:
            return False
        return any(_sent(doubt.change) == _sent(change) for doubt in doubts)


def _same(recorded: str | None, pbx: str) -> bool:
    """Whether the file is of this PBX, whose address may be written in it in another way: files are edited by hand."""
    try:
        return recorded == pbx or same_pbx_key(normal_url(recorded or "")) == same_pbx_key(pbx)
    except ValueError:
        return False


@dataclass(slots=True)
class _Run:
    """What is being sent, and the signs in the file that say what became of it; so many changes are ``settled``."""

    changes: list[InRun]
    marks: Marks
    settled: int = 0

    @property
    def next(self) -> InRun:
        """The change that is being sent, or is the next to be."""
        return self.changes[self.settled]


def _with_run(state: KnownState, run: Sequence[InRun]) -> KnownState:
    """What is known once a run has got this far, whether it is at work or was cut off."""
    routes = with_changes(state.routes, [one.change for one in run if one.sign is Sign.APPLIED])
    doubts = [Doubt(one.change, _CUT_OFF) for one in run if one.sign is Sign.SENT]
    return replace(state, routes=routes, doubts=(*state.doubts, *doubts))


def _sent(change: Change) -> tuple[object, ...]:
    """What went to the PBX: all of a change that a state file keeps."""
    return (change.action, change.id, change.before, change.after)


def _refresh(path: Path, pbx: str | None) -> str:
    """The command that records a PBX's routes; a file that is there already names its PBX itself."""
    where = [] if pbx is None else ["--sandbox"] if pbx.startswith("sandbox:") else ["--url", pbx]
    return command_line("pbxsync", "refresh", "--state", str(path), *where)
