"""The values that flow through pbxsync: routes, known state, changes, plans, outcomes, problems.

All of them are frozen and know nothing of files, sockets or terminals. Everything that has a name in the field
(outbound route, trunk, dial pattern, prefix, prepend, caller ID) bears that name here, as the PBX's API does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
class Claim:
    """A test of a file: what must become of a call, or of every call of a kind.

    ``dial`` is a number, or with a leading ``_`` a dial pattern that stands for every number it takes; ``callerid`` the
    same for the caller, empty for a call without an id. What is claimed: the name of the ``route`` that takes the call,
    or with ``no_route`` that none does; the ``trunks``, in order; the digits that they are sent, or with a leading
    ``_`` a dial pattern that those match. What is None isn't claimed.
    """

    location: Location
    dial: str
    callerid: str = ""
    route: str | None = None
    no_route: bool = False
    trunks: tuple[str, ...] | None = None
    sends: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim: ``message`` says why it doesn't hold, and is empty where it does.

    ``counterexample`` is a number for which it doesn't hold, ``counterexample_callerid`` the caller's id, None without.
    """

    claim: Claim
    message: str = ""
    counterexample: str | None = None
    counterexample_callerid: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the claim holds."""
        return not self.message


@dataclass(frozen=True, slots=True)
class Desired:
    """What one file declares: its routes in order of precedence, its tests, and the PBX that it is meant for.

    ``name``, ``url`` and ``type`` are the file's ``pbx`` section; each is None where the file doesn't say. ``digest``
    is the SHA-256 of what was read, in hexadecimal, of which ``included`` are the files besides the one that is named,
    each with the place that includes it. ``ignore`` are names, with ``*`` for any characters, of routes that are left
    alone. ``no_hidden_fields`` says that somebody looked: the routes of this PBX have the six fields and nothing else.
    ``fresh_connections`` asks for a connection of its own for each call.
    """

    file: str
    routes: tuple[DeclaredRoute, ...]
    name: str | None = None
    url: str | None = None
    type: str | None = None
    ignore: tuple[str, ...] = ()
    no_hidden_fields: bool = False
    fresh_connections: bool = False
    tests: tuple[Claim, ...] = ()
    digest: str = ""
    included: tuple[tuple[str, str], ...] = ()


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
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an updated route with both values; ``trunks`` is a tuple, every other field a string."""

    field: str
    before: str | tuple[str, ...]
    after: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberWords:
    """A set of numbers as a person would say it: these dial patterns, but not those."""

    patterns: tuple[str, ...]
    but_not: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Behind:
    """Why a route must come behind another, ``route``: the calls that it would else take from that one.

    They are the calls to a number that one of the dial patterns ``numbers`` takes, by the callers of ``match`` and
    ``but_not``, as in an Impact; ``words`` says the same numbers for a person.
    """

    route: str
    numbers: tuple[str, ...]
    match: tuple[str, ...]
    but_not: tuple[str, ...]
    words: NumberWords


@dataclass(frozen=True, slots=True)
class Move:
    """How a route comes to stand at the end, by calls that the API has.

    A ``copy`` is added under a name of its own, or None where an earlier run has added it; then the ``removals``
    delete what stands elsewhere of the route; then ``rename`` gives the copy the route's name, unless it has it.
    ``behind`` are the first routes of the file that it must come behind, with the calls that it would take from them;
    ``others`` is how many more there are.
    """

    copy: Change | None
    removals: tuple[Change, ...]
    rename: Change | None
    behind: tuple[Behind, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does with one route.

    ``before`` is None for an add and ``after`` is None for a delete; for a move they are the same, and ``move`` says
    how. ``id`` is the PBX's id of the route that is updated or deleted, ``place`` its index on the PBX. ``location`` is
    where the file declares the route; a deleted route has none.
    """

    action: Action
    before: Route | None
    after: Route | None
    fields: tuple[FieldChange, ...] = ()
    id: str | None = None
    location: Location | None = None
    place: int | None = field(default=None, compare=False)
    move: Move | None = None

    @property
    def name(self) -> str:
        """The route's name once the change is made; for a delete the name that it has."""
        route = self.after or self.before
        return route.name if route else ""

    @property
    def renames(self) -> bool:
        """Whether the route has another name after the change."""
        return self.before is not None and self.after is not None and self.before.name != self.after.name


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change that was sent and whose answer was lost: nobody knows whether the PBX carried it out."""

    change: Change
    reason: str


@dataclass(frozen=True, slots=True)
class KnownState:
    """What pbxsync believes is on one PBX, in the PBX's order of precedence.

    ``pbx`` is the PBX's address. ``source`` is ``live`` or the path of the state file that it was read from.
    ``applied_plans`` are the checksums of the saved plans that were applied to it, so that none is a second time.
    """

    pbx: str | None
    routes: tuple[KnownRoute, ...]
    source: str = "live"
    doubts: tuple[Doubt, ...] = ()
    applied_plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """What a plan warns of: the rule's id and a message."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class CallPath:
    """What becomes of some calls: the route that takes them, and what it makes of the number.

    ``strip`` is how many characters are taken off the front of the number before ``prepend`` is put there.
    """

    route: str
    trunks: tuple[str, ...]
    prepend: str
    strip: int


@dataclass(frozen=True, slots=True)
class CallExample:
    """One call, and the digits that are sent for it; None where it isn't routed. ``callerid`` is None without an id."""

    dial: str
    callerid: str | None
    sends_before: str | None
    sends_after: str | None


@dataclass(frozen=True, slots=True)
class Impact:
    """Calls that a plan sends elsewhere, and where they went before; None is nowhere.

    They are the calls to a number that one of the dial patterns ``numbers`` takes, by a caller whose id all patterns of
    ``match`` take and none of ``but_not``; no pattern takes a call without an id. ``words`` says the same numbers in
    fewer words where that is possible.
    """

    numbers: tuple[str, ...]
    match: tuple[str, ...]
    but_not: tuple[str, ...]
    before: CallPath | None
    after: CallPath | None
    example: CallExample
    words: NumberWords


@dataclass(frozen=True, slots=True)
class PlanChoices:
    """What a user chose for the plan: delete unmanaged routes, how many at most, add and do nothing else, move routes.

    ``impact`` is whether to work out which calls go elsewhere, ``tests`` whether to hold the file's tests against it.
    """

    prune: bool = False
    max_deletes: int = 10
    add_only: bool = False
    reorder: bool = False
    impact: bool = True
    tests: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that bring one PBX from its known state to what its file declares, in the order they run.

    ``unmanaged`` are the names of known routes that the file doesn't declare and the plan leaves alone. ``blocked``
    are the names of declared routes that it leaves alone because the PBX has several of that name. ``skipped`` are
    updates and moves that ``add_only`` left out. ``in_doubt`` are changes of an earlier run that nobody has settled:
    while there is one, nothing of the plan is sent. ``impact`` is which calls go elsewhere then; None where that was
    not worked out. ``tests`` is what became of the file's tests, held against what the PBX will hold; None where they
    were not. ``ignored`` are the names of known routes that the file says to ignore. ``refusals`` are why nothing of
    the plan may be sent; ``failures`` are why the PBX will not hold what the file declares, though the rest may be
    sent. With either of them `plan` and `apply` exit with 1.
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
    impact: tuple[Impact, ...] | None = None
    tests: tuple[Verdict, ...] | None = ()
    ignored: tuple[str, ...] = ()
    refusals: tuple[PlanWarning, ...] = ()
    failures: tuple[PlanWarning, ...] = ()

    @property
    def failed_tests(self) -> tuple[Verdict, ...]:
        """The tests of the file that what the PBX will hold breaks."""
        return tuple(verdict for verdict in self.tests or () if not verdict.passed)

    def count(self, action: Action) -> int:
        """How many changes of this kind the plan holds."""
        return sum(1 for change in self.changes if change.action is action)


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan with the PBX's routes in their order of precedence: those that it holds, and those that it will hold."""

    plan: Plan
    before: tuple[Route, ...]
    after: tuple[Route, ...]


class Status(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    NOT_ATTEMPTED = "not_attempted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change of a plan; ``error`` says why where it was not applied.

    Of one step of a move, ``change`` is what was sent, and ``moving`` the name of the route that is moved. ``unsent``
    says that the request surely never reached the PBX.
    """

    change: Change
    status: Status
    error: str | None = None
    moving: str | None = None
    unsent: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the query at the end of an apply found wrong with one route of the PBX."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did to one PBX: an outcome for each change of the plan, in the plan's order.

    ``findings`` are the failures that the query at the end found; ``notes`` what it saw that this run didn't do, and
    what else a reader should know. ``interrupted`` is the number of the signal that stopped the run, or None.
    ``elsewhere`` is which calls go elsewhere now than before the run, where findings make that another thing than the
    plan says; None where it was not worked out.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    interrupted: int | None = None
    error: str | None = None
    elsewhere: tuple[Impact, ...] | None = None

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
