"""The values that flow through pbxsync: routes, known state, changes, plans, outcomes, problems.

All of them are frozen and know nothing of files, sockets or terminals. Everything that has a name in the field
(outbound route, trunk, dial pattern, prefix, prepend, caller ID) bears that name here, as the PBX's API does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: The six fields of a route, in the order in which pbxsync shows them.
FIELDS = ("name", "prefix", "matchpattern", "prepend", "callerid", "trunks")


@dataclass(frozen=True, slots=True)
class Route:
    """One outbound route: one dial pattern and the trunks that carry it.

    ``prefix + matchpattern`` is compared with the dialled number, ``prefix`` is removed and ``prepend`` put in front
    before the number goes out; ``callerid``, if set, is a pattern that the caller's id must match too. ``trunks`` are
    tried in their order. An empty string is an absent field (API manual, ``outroute/add``).
    """

    name: str
    matchpattern: str
    trunks: tuple[str, ...]
    prefix: str = ""
    prepend: str = ""
    callerid: str = ""

    def fields(self) -> dict[str, str | tuple[str, ...]]:
        """All six fields by name, in the order of FIELDS; ``trunks`` is a tuple."""
        return {name: getattr(self, name) for name in FIELDS}


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file. Lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How bad a problem is: an error keeps the file from being used, a warning doesn't."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file: where it stands, the rule that it breaks, what to do about it.

    ``path`` is the value's place in the document, as ``routes[3].prefix``; it is empty for the document itself.
    """

    location: Location
    path: str
    severity: Severity
    rule: str
    message: str

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """What problems are sorted by: file, line, column, rule, message."""
        at = self.location
        return (at.file, at.line, at.column, self.rule, self.message)


@dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A route as a file declares it: the route, where its entry begins, and the name that it had before, if any."""

    route: Route
    location: Location
    renamed_from: str | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """What one file declares: its routes in order of precedence, and the PBX that it is meant for.

    ``name``, ``url`` and ``type`` are the file's ``pbx`` section; each is None where the file doesn't say.
    """

    file: str
    routes: tuple[DeclaredRoute, ...]
    name: str | None = None
    url: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class KnownRoute:
    """A route that is on the PBX. ``id`` is the PBX's own; it is None where the PBX has never told it."""

    route: Route
    id: str | None = None


class Action(StrEnum):
    """What a change does to the PBX."""

    ADD = "add"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an updated route with both values; ``trunks`` is a tuple, every other field a string."""

    field: str
    before: str | tuple[str, ...]
    after: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan.

    ``before`` is None for an add and ``after`` is None for a delete. ``id`` is the PBX's id of the route that is
    updated or deleted. ``location`` is where the file declares the route; a deleted route has none.
    """

    action: Action
    before: Route | None
    after: Route | None
    fields: tuple[FieldChange, ...] = ()
    id: str | None = None
    location: Location | None = None

    @property
    def name(self) -> str:
        """The route's name once the change is made; for a delete the name that it has."""
        route = self.after or self.before
        return route.name if route else ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change that was sent and whose answer was lost: nobody knows whether the PBX carried it out."""

    change: Change
    reason: str


@dataclass(frozen=True, slots=True)
class KnownState:
    """What pbxsync believes is on one PBX, in the PBX's order of precedence.

    ``pbx`` is the PBX's address. ``source`` is ``live`` or the path of the state file that it was read from.
    """

    pbx: str | None
    routes: tuple[KnownRoute, ...]
    source: str = "live"
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """What a plan warns of: the rule's id and a message."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class PlanChoices:
    """What a user chose for the plan: delete unmanaged routes, how many at most, add and do nothing else."""

    prune: bool = False
    max_deletes: int = 10
    add_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that bring one PBX from its known state to what its file declares, in the order they run.

    ``unmanaged`` are the names of known routes that the file doesn't declare and the plan leaves alone. ``blocked``
    are the names of declared routes that it leaves alone because the PBX has several of that name. ``skipped`` are
    updates that ``add_only`` left out. ``in_doubt`` are changes of an earlier run that nobody has settled: while there
    is one, nothing of the plan is sent.
    """

    file: str
    pbx_url: str | None
    pbx_name: str | None
    known_state: str
    changes: tuple[Change, ...]
    unchanged: int = 0
    unmanaged: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    skipped: tuple[Change, ...] = ()
    in_doubt: tuple[Doubt, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()

    def count(self, action: Action) -> int:
        """How many changes of this kind the plan holds."""
        return sum(1 for change in self.changes if change.action is action)


class Status(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change of a plan; ``error`` says why where it was not applied."""

    change: Change
    status: Status
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the query at the end of an apply found wrong with one route of the PBX."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did to one PBX: an outcome for each change of the plan, in the plan's order.

    ``findings`` are the failures that the query at the end found; ``notes`` what it saw that this run didn't do.
    ``interrupted`` is the number of the signal that stopped the run, or None.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: int | None = None
    error: str | None = None

    def count(self, status: Status) -> int:
        """How many changes came to this end."""
        return sum(1 for outcome in self.outcomes if outcome.status is status)


@dataclass(frozen=True, slots=True)
class Trunk:
    """A trunk as the PBX lists it (API manual, ``trunklist/query``)."""

    name: str
    status: str
    type: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a PBX says of itself (API manual, ``deviceinfo/query``); a field that it leaves out is empty."""

    name: str = ""
    serial: str = ""
    hardware: str = ""
    firmware: str = ""
    time: str = ""
    uptime: str = ""
