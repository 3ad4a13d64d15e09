"""What can go wrong on purpose: how a fault is written, and which requests it strikes; `delivery` has what it does.

A fault is ``CALL@WHICH=[before:|after:]KIND[:ARG]``; ``docs/sandbox.md`` has the table of kinds. A fault ``before`` the
call keeps it from being carried out; a fault ``after`` it strikes only the answer, so that the PBX has changed and the
client does not know.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

from pbxsync.sandbox.errors import SandboxError
from pbxsync.sandbox.pbx import ALL_CALLS
from pbxsync.sandbox.table import ROUTE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

When: TypeAlias = Literal["before", "after"]


class _Kind(NamedTuple):
    """``when``: what it may strike, the default first. ``arg``: a pattern. ``default``: None if ARG must be given."""

    shape: str
    when: tuple[When, ...] = ("before", "after")
    arg: str = ""
    default: str | None = ""


_BEFORE: tuple[When, ...] = ("before",)
_AFTER: tuple[When, ...] = ("after",)
_BOTH: tuple[When, ...] = ("before", "after")
_SECONDS = r"[0-9]{1,6}(\.[0-9]{1,6})?"
_COUNT = "[0-9]{1,9}"

_KINDS = {
    "refuse": _Kind("refuse[:ERRNO]", _BEFORE, ".+"),
    # These three have no body, so no page could go with them.
    "status": _Kind("status:CODE (200 to 599 but 204, 205, 304)", _BOTH, "(?!204|205|304)[2-5][0-9]{2}", None),
    "redirect": _Kind("redirect[:URL]", _BOTH, ".+", "/"),
    "html": _Kind("html"),
    "empty": _Kind("empty"),
    "list": _Kind("list"),
    "garbage": _Kind("garbage"),
    "wrong-type": _Kind("wrong-type", _AFTER),
    "nostatus": _Kind("nostatus"),
    "huge": _Kind("huge[:BYTES]", _BOTH, "[0-9]{1,12}", str(64 * 1024 * 1024)),
    "reset": _Kind("reset"),
    "close": _Kind("close"),
    "cut-head": _Kind("cut-head"),
    "cut-body": _Kind("cut-body"),
    "hang": _Kind("hang[:SECONDS]", _BOTH, _SECONDS, "3600"),
    "slow": _Kind("slow[:SECONDS]", _AFTER, _SECONDS, "1"),
    "delay": _Kind("delay:SECONDS", _AFTER, _SECONDS, None),
    "token": _Kind("token", _BEFORE),
    "twice": _Kind("twice", _AFTER),
    "lie": _Kind("lie", _BEFORE),
    "alter": _Kind("alter:FIELD=VALUE", _AFTER, f"({'|'.join(ROUTE_FIELDS)})=.*", None),
    "drop-last": _Kind("drop-last", _AFTER),
    "half": _Kind("half[:ROUTES]", _AFTER, _COUNT, "0"),
    "die": _Kind("die[:ROUTES]", _AFTER, _COUNT, "0"),
    "fail-done": _Kind("fail-done[:ERRNO]", _AFTER, ".+"),
    "errno": _Kind("errno:ERRNO", _AFTER, ".+", None),
    "short": _Kind("short:ITEMS", _AFTER, _COUNT, None),
    "lost-list": _Kind("lost-list:null|text|object|item|missing", _AFTER, "null|text|object|item|missing", None),
    "phplist": _Kind("phplist", _AFTER),
    "notice": _Kind("notice", _AFTER),
    "blank": _Kind("blank", _AFTER),
    "double": _Kind("double", _AFTER),
    "double-late": _Kind("double-late:SECONDS", _AFTER, _SECONDS, None),
    "long": _Kind("long[:BYTES]", _AFTER, _COUNT, "1"),
}

_GRAMMAR = re.compile(
    r"(?P<call>[^@=]+)@(\*|(?P<first>[0-9]{1,9})(?P<open>-(?P<last>[0-9]{1,9})?)?)"
    r"=((?P<when>before|after):)?(?P<kind>[^:]+)(:(?P<arg>.+))?"
)

#: Faults of these kinds strike in the middle of a change of one route.
_OF_CHANGES = {"alter", "half", "die"}
_CHANGES = {"outroute/add", "outroute/update", "*"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: it strikes the requests number ``first`` to ``last`` (None: no end) of ``call``, counted from 1.

    ``call`` is a call or ``*``, which counts all requests. ``arg`` is text as in the grammar, "" where it is left out
    (and stands for the kind's default). Raises SandboxError, which says what is allowed.
    """

    call: str
    kind: str
    first: int = 1
    last: int | None = None
    when: When | None = None
    arg: str = ""

    def __post_init__(self) -> None:
        if why := self._flaw():
            raise SandboxError(_bad(str(self), why))
        kind = _KINDS[self.kind]
        object.__setattr__(self, "when", self.when or kind.when[0])
        object.__setattr__(self, "arg", self.arg or kind.default or "")

    def __str__(self) -> str:
        if self.last == self.first:
            which = str(self.first)
        else:
            which = f"{self.first}-{self.last or ''}" if self.last or self.first != 1 else "*"
        when = f"{self.when}:" if self.when else ""
        arg = f":{self.arg}" if self.arg else ""
        return f"{self.call}@{which}={when}{self.kind}{arg}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault as it is written on the command line, for example ``outroute/add@3-7=after:reset``."""
        found = _GRAMMAR.fullmatch(text)
        if not found:
            raise SandboxError(_bad(text, "it is not CALL@WHICH=KIND"))
        first = int(found["first"] or 1)
        last = found["last"] or (None if found["open"] else found["first"])
        when = cast("When | None", found["when"])
        return cls(found["call"], found["kind"], first, int(last) if last else None, when, found["arg"] or "")

    def strikes(self, number: int) -> bool:
        """Tell whether the fault strikes the request of this number."""
        return self.first <= number and (self.last is None or number <= self.last)

    def _flaw(self) -> str:
        kind = _KINDS.get(self.kind)
        if not kind:
            return f"there is no kind {self.kind!r}"
        if self.call != "*" and self.call not in ALL_CALLS:
            return f"there is no call {self.call!r}"
        if self.first < 1 or (self.last is not None and self.last < self.first):
            return "requests are counted from 1, and a range does not end before it begins"
        if self.when and self.when not in kind.when:
            return f"{self.kind} is always {kind.when[0]} the call"
        if self.kind in _OF_CHANGES and self.call not in _CHANGES:
            return f"{self.kind} is for outroute/add and outroute/update"
        return self._flaw_of_arg(kind)

    def _flaw_of_arg(self, kind: _Kind) -> str:
        if not self.arg:
            return "" if kind.default is not None else f"write {kind.shape}"
        if not kind.arg:
            return f"{self.kind} takes no argument"
        # Not printable is also what would break out of a header.
        return "" if re.fullmatch(kind.arg, self.arg) and self.arg.isprintable() else f"write {kind.shape}"


class FaultPlan:
    """The faults of one sandbox, and how many requests of each call have come. Not guarded: the server does that."""

    def __init__(self, faults: Iterable[str | Fault]) -> None:
        self._faults = [Fault.parse(fault) if isinstance(fault, str) else fault for fault in faults]
        self._counts: Counter[str] = Counter()

    def next(self, call: str) -> Fault | None:
        """Count one request, and return the first fault given that strikes it."""
        self._counts["*"] += 1
        self._counts[call] += 1
        return next((f for f in self._faults if f.call in ("*", call) and f.strikes(self._counts[f.call])), None)


def _bad(text: str, why: str) -> str:
    shapes = ", ".join(kind.shape for kind in _KINDS.values())
    return (
        f"bad fault {text!r}: {why}. A fault is CALL@WHICH=[before:|after:]KIND[:ARG], for example "
        f"outroute/add@5=refuse:10004 or outroute/add@3-7=after:reset; CALL is * or one of "
        f"{', '.join(sorted(ALL_CALLS))}; WHICH is a number from 1, a range or *; KIND is one of {shapes}"
    )
