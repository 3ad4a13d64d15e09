"""The fault table: every way in which a call to the PBX can fail, what it means, and what pbxsync then does.

This is the one source. `tests/cli/test_fault_table.py` shows each row on a real process and a real socket, in JSON and
in XML, live and with a state file; `docs/what-happens-when.md` shows it to operators, and `tests/test_fault_docs.py`
holds that page against it cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a way of failing means for the call, which decides all that pbxsync does."""

    UNREACHED = "nothing of the request left"
    MISTRUSTED = "nothing of the request left, since who answers can't be trusted"
    REFUSED = "the PBX says that it did nothing"
    EXPIRED = "the PBX says that it did nothing, since the token died; there are a user name and a password"
    LOST = "the request left, and nobody knows"
    POSTPONED = "the request left, and who answered asks for more time than there is"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of failing.

    ``what`` is the way in words and ``says`` a part of the message; with ``{type}`` it names the format that was asked
    for, and ``says_xml`` is what it is in XML where that differs. ``strikes`` is what brings it about: a fault of the
    sandbox, or a `tests.cli.mischief.Trouble`. ``carried_out`` tells, for a change, whether the PBX did it.
    """

    name: str
    what: str
    says: str
    kind: Kind
    strikes: str
    says_xml: str = ""
    carried_out: bool = False

    def message(self, type: str) -> str:
        """A part of the message where bodies have this format."""
        return (self.says_xml if type == "xml" and self.says_xml else self.says).format(type=type.upper())

    @property
    def late(self) -> bool:
        """Whether the time limit ends it."""
        return self.says == _LATE

    @property
    def silent(self) -> bool:
        """Whether the connection, if it had been used before, ends without a byte of an answer."""
        return self.strikes.partition(":")[2] in ("reset", "close")

    @property
    def shown(self) -> str:
        """The parts of messages as the docs show them."""
        return ", ".join(f"`{self.message(kind)}`" for kind in ("json", *(["xml"] if self.says_xml else [])))


@dataclass(frozen=True, slots=True)
class Ending:
    """What pbxsync does, in words, and the exit code; None where the rest of the run decides."""

    does: str
    code: int | None

    @property
    def exit(self) -> int:
        """The exit code of a run in which nothing else goes wrong."""
        return self.code or 0

    @property
    def shown(self) -> str:
        """The exit code as the docs show it."""
        return "as the rest" if self.code is None else str(self.code)


_UNREACHED = (
    Way("refused", "the connection is refused", "Connection refused", Kind.UNREACHED, "refused"),
    Way("no-route", "there is no route to the PBX", "Network is unreachable", Kind.UNREACHED, "no-route"),
    Way("dns", "its name has no address", "Name or service not known", Kind.UNREACHED, "dns"),
    Way("other-ca", "its certificate is of another CA", "is not trusted", Kind.MISTRUSTED, "other-ca"),
    Way("no-tls", "it doesn't speak TLS any more", "does not speak TLS as it should", Kind.MISTRUSTED, "no-tls"),
)

_REFUSED = (
    Way("errno", "`Failed`, with an errno", "the PBX refused it (errno 30004)", Kind.REFUSED, "refuse:30004"),
    Way("no-errno", "`Failed`, without an errno", "the PBX refused it (no errno)", Kind.REFUSED, "refuse"),
    Way(
        "unknown-call", "`Failed`, errno 10003", "the firmware does not support this call", Kind.REFUSED, "refuse:10003"
    ),
    Way("404", "HTTP 404", "the PBX does not know this call (HTTP 404)", Kind.REFUSED, "status:404"),
    Way(
        "403",
        "HTTP 403, or another from 400 to 499 but 408 and 429",
        "refused the request (HTTP 403)",
        Kind.REFUSED,
        "status:403",
    ),
    Way(
        "redirect-same",
        "a redirect to the same call elsewhere",
        "redirects to https://pbx.example.com (HTTP 302)",
        Kind.REFUSED,
        "redirect:https://pbx.example.com/api/v0.0.1/{call}",
    ),
)

_TOKEN = (
    Way("token", "the token died, and there is only the token", "no such token", Kind.REFUSED, "token"),
    Way(
        "token-renewed", "the token died, and there are user name and password", "no such token", Kind.EXPIRED, "token"
    ),
)

# Each with its name, in words, in a message (in XML, if that differs), as a fault of the sandbox, and when it strikes.
_BOTH, _AFTER = ("before", "after"), ("after",)
_BROKE = "the connection broke before the answer was complete"
_LATE = "no whole answer within"
_JSON = "JSON instead of XML"
_LOST_WAYS = (
    ("reset", "the connection is reset", _BROKE, "", "reset", _BOTH),
    ("close", "the connection is closed", _BROKE, "", "close", _BOTH),
    ("hang", "no answer within `--timeout`", _LATE, "", "hang:30", _BOTH),
    ("slow", "an answer that comes a byte at a time", _LATE, "", "slow:0.3", _AFTER),
    ("cut-head", "an answer that is cut in its head", _BROKE, "", "cut-head", _BOTH),
    ("cut-body", "an answer that is cut in its body", _BROKE, "", "cut-body", _BOTH),
    ("500", "HTTP 500", "answered HTTP 500", "", "status:500", _BOTH),
    ("502", "HTTP 502", "answered HTTP 502", "", "status:502", _BOTH),
    ("503", "HTTP 503 with `Retry-After`", "answered HTTP 503", "", "status:503", _BOTH),
    ("html", "a page of HTML, HTTP 200", "a page of HTML instead of {type}", "", "html", _BOTH),
    ("redirect", "a redirect to another page", "redirects (HTTP 302)", "", "redirect:/login.html", _BOTH),
    ("huge", "an answer of 64 MiB", "larger than 16 MiB", "", "huge", _BOTH),
    ("wrong-type", "XML for JSON, or JSON for XML", "XML or a web page instead of JSON", _JSON, "wrong-type", _AFTER),
    ("list", "a list", "a list instead of fields", "no status instead of Success", "list", _BOTH),
    ("empty", "an empty answer", "an empty answer", "", "empty", _BOTH),
    ("garbage", "bytes that mean nothing", "bytes that are not {type}", "", "garbage", _BOTH),
    ("no-status", "an answer without its `status`", "no status instead of Success", "", "nostatus", _BOTH),
)  # fmt: skip

_LOST = tuple(
    Way(
        f"{name}-{when}",
        what,
        says,
        Kind.LOST,
        f"{when}:{strikes}",
        says_xml,
        when == "after",
    )
    for name, what, says, says_xml, strikes, whens in _LOST_WAYS
    for when in whens
)

# What is asked changes nothing, so that it is all the same whether it was carried out: one row for both.
_UNANSWERED = tuple(
    Way(name, what, says, Kind.LOST, f"{whens[-1]}:{strikes}", says_xml)
    for name, what, says, says_xml, strikes, whens in _LOST_WAYS
)

#: The ways in which a call that changes something can fail.
CHANGES = (*_UNREACHED, *_REFUSED, *_TOKEN, *_LOST)
# One row for what only matters where something is asked again.
_LATER = Way(
    "503-later",
    "HTTP 503 with a `Retry-After` beyond `--timeout`",
    "asks to be left alone for 1 s",
    Kind.POSTPONED,
    "status:503",
)

#: The ways in which a query, before anything is sent or at the end, can fail.
QUERIES = (*_UNREACHED, *_REFUSED, *_TOKEN, *_UNANSWERED, _LATER)
#: The ways in which a login can fail.
LOGINS = (
    *_UNREACHED,
    Way("wrong-password", "`Failed`, errno 30003", "errno 30003: login refused", Kind.REFUSED, "refuse:30003"),
    *_REFUSED,
    *_UNANSWERED,
)
#: The ways in which a logout can fail.
LOGOUTS = (*_UNREACHED, *_REFUSED, *_UNANSWERED)

_TRIES = "tries again, then stops"
_AT_ONCE = "stops at once"
_DOUBT = Ending("in doubt: records it, stops", 3)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a change: where the PBX can be queried, and where its firmware only adds."""

    asked: Ending
    unasked: Ending


def change(way: Way) -> Change:
    """What pbxsync does if an add, update or delete fails in this way, live and with a state file."""
    match way.kind:
        case Kind.UNREACHED:
            ending = Ending(_TRIES, 1)
        case Kind.MISTRUSTED:
            ending = Ending(_AT_ONCE, 1)
        case Kind.REFUSED:
            ending = Ending("stops", 1)
        case Kind.EXPIRED:
            ending = Ending("logs in, sends it again", None)
        case Kind.LOST if way.carried_out:
            return Change(Ending("asks the PBX, finds it, goes on", None), _DOUBT)
        case Kind.LOST if way.silent:
            return Change(Ending("asks the PBX twice, doesn't find it, sends it again", None), _DOUBT)
        case Kind.LOST if way.late:
            return Change(Ending("looks for it as long again, doesn't find it, in doubt: stops", 3), _DOUBT)
        case _:
            return Change(Ending("asks the PBX, doesn't find it, stops", 1), _DOUBT)
    return Change(ending, ending)


#: What pbxsync does if the answer to a change is lost, and the query that asks for it is not answered either.
UNSETTLED = Change(Ending("in doubt: stops", 3), _DOUBT)


@dataclass(frozen=True, slots=True)
class Query:
    """What becomes of a query that fails: once and no more, or each time that it is tried."""

    does: str
    once: int
    always: int


def query(way: Way) -> Query:
    """What pbxsync does if a query fails in this way."""
    match way.kind:
        case Kind.MISTRUSTED:
            return Query("stops at once", 1, 1)
        case Kind.REFUSED | Kind.POSTPONED:
            return Query("stops", 1, 1)
        case Kind.EXPIRED:
            return Query("logs in, asks again", 0, 1)
        case _:
            return Query("asks again, then stops", 0, 1)


def login(way: Way) -> Ending:
    """What pbxsync does if a login fails in this way."""
    match way.kind:
        case Kind.UNREACHED:
            return Ending("tries again, then stops", 1)
        case Kind.MISTRUSTED:
            return Ending("stops at once", 1)
        case _:
            return Ending("stops", 1)


LOGOUT = Ending("goes on", 0)


# --- as the docs show it --------------------------------------------------------------------------------------------

#: The heading of a table in the docs, and its rows of cells, the first of them the names of the columns.
Table = tuple[str, list[list[str]]]


def tables() -> list[Table]:
    """The tables of the docs, each behind the heading that it stands under."""
    return [
        ("Before anything is sent: login and query", _before_rows()),
        ("A change: add, update or delete", _change_rows()),
        ("At the end: the check and the logout", _end_rows()),
    ]


def _before_rows() -> list[list[str]]:
    head = ["what happens", "the message says", "a login", "exit", "a query", "exit, once", "exit, each time"]
    logins, queries = {way.name: way for way in LOGINS}, {way.name: way for way in QUERIES}
    rows = []
    for name, way in {**logins, **queries}.items():
        first = [login(way).does, login(way).shown] if name in logins else ["–", "–"]
        second = _query_cells(way) if name in queries else ["–", "–", "–"]
        rows.append([way.what, way.shown, *first, *second])
    return [head, *rows]


def _query_cells(way: Way) -> list[str]:
    found = query(way)
    return [found.does, str(found.once), str(found.always)]


def _change_rows() -> list[list[str]]:
    head = ["what happens", "the message says", "carried out", "it can be queried", "exit", "it only adds", "exit"]
    rows = []
    for way in CHANGES:
        found = change(way)
        done = "yes" if way.carried_out else "no"
        if way.kind is Kind.EXPIRED:
            done = "no, then yes"
        cells = [found.asked.does, found.asked.shown, found.unasked.does, found.unasked.shown]
        rows.append([way.what, way.shown, done, *cells])
    last = UNSETTLED
    rows.append(
        [
            "a lost answer, and the query after it gets none either",
            "`asked again, the PBX does not say`",
            "nobody knows",
            *[last.asked.does, last.asked.shown, last.unasked.does, last.unasked.shown],
        ]
    )
    return [head, *rows]


def _end_rows() -> list[list[str]]:
    head = ["what happens", "the check at the end", "exit, once", "exit, each time", "the logout", "exit"]
    rows = []
    for way in QUERIES:
        out = [LOGOUT.does, LOGOUT.shown] if way in LOGOUTS else ["–", "–"]
        rows.append([way.what, *_query_cells(way), *out])
    return [head, *rows]


def markdown(rows: list[list[str]]) -> str:
    """A table in Markdown."""
    head, *rest = rows
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rest)).replace("| --- ", "|---")
