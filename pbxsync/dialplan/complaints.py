"""Why a claim does not hold, in words: what becomes of one call that breaks it, and what was claimed instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from pbxsync.dialplan.table import Reason

if TYPE_CHECKING:
    from pbxsync.dialplan.table import RouteTable
    from pbxsync.model import Claim, Route


class Kind(Enum):
    """What of a claim does not hold."""

    ROUTE = auto()
    NO_ROUTE = auto()
    TRUNKS = auto()
    SENDS = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """A call for which a claim does not hold, and the index of the row that takes it; None is no row, or no id."""

    kind: Kind
    index: int | None
    number: str
    callerid: str | None


def complaint(claim: Claim, fault: Fault, table: RouteTable, *, one: bool, holds: bool) -> str:
    """Why the claim does not hold: by the fault's call.

    ``one`` tells that the claim speaks of no other call, ``holds`` that it holds for some of those that it speaks of.
    """
    call = _call(fault.number, fault.callerid)
    happens = _happens(fault, table, call)
    hint = f"; {_hint(claim.route, fault, table)}" if fault.kind is Kind.ROUTE and claim.route is not None else ""
    if one:
        return happens + _contrast(claim, fault) + hint
    subject = _call(claim.dial.removeprefix("_"), _caller(claim.callerid))
    if fault.kind is Kind.NO_ROUTE:
        return f"no route may take {subject}: {happens}"
    verb = ("send", "sends") if fault.kind is Kind.SENDS else ("go to", "goes to")
    does = f"does not always {verb[0]}" if holds else f"never {verb[1]}"
    return f"{subject} {does} {_claimed(claim, fault.kind)}: {happens}{hint}"


def _call(number: str, callerid: str | None) -> str:
    return f"{number} from {callerid}" if callerid else number


def _caller(callerid: str) -> str:
    return "any caller id" if callerid in ("_.", "_!") else callerid.removeprefix("_")


def _happens(fault: Fault, table: RouteTable, call: str) -> str:
    """What becomes of the fault's call."""
    if fault.index is None:
        return f"no route takes {call}"
    row = table.rows[fault.index]
    text = f"{call} goes to {_described(row.route)}"
    if fault.kind is Kind.TRUNKS:
        return f"{text} with trunks {_list(row.route.trunks)}"
    if fault.kind is Kind.SENDS:
        trunk = ", ".join(row.route.trunks[:1]) or "no trunk"
        return f"{text}, which sends {row.sends(fault.number) or 'an empty number'} to {trunk}"
    return text


def _contrast(claim: Claim, fault: Fault) -> str:
    """What should have become of it, to stand behind what does."""
    wanted = _claimed(claim, fault.kind)
    if fault.kind is Kind.NO_ROUTE:
        return ", and no route may take it"
    if fault.kind is Kind.ROUTE:
        return f" instead of {wanted}" if fault.index is not None else ""
    if fault.index is None:
        return f"; it must go {'out as' if fault.kind is Kind.SENDS else 'to'} {wanted}"
    return f", not {wanted}"


def _claimed(claim: Claim, kind: Kind) -> str:
    """What is claimed: a route, trunks, or digits."""
    if kind is Kind.SENDS:
        sends = claim.sends or "an empty number"
        return f"what {sends[1:]} matches" if sends.startswith("_") else sends
    return _list(claim.trunks or ()) if kind is Kind.TRUNKS else claim.route or ""


def _hint(name: str, fault: Fault, table: RouteTable) -> str:
    """Why the route of this name does not take the call."""
    row = next((row for row in table.rows if row.route.name == name), None)
    if row is None:
        return f"there is no route {name}"
    reason = row.refuses(fault.number, fault.callerid)
    if reason is Reason.NUMBER:
        return f"{_described(row.route)} does not match {fault.number}"
    if reason is Reason.CALLERID:
        return f"{name} takes calls from {row.route.callerid} only"
    return f"{name} takes it too, but stands below"


def _described(route: Route) -> str:
    """A route by its name and its dial pattern."""
    caller = f" from {route.callerid}" if route.callerid else ""
    return f"{route.name} ({route.prefix}{route.matchpattern}{caller})"


def _list(trunks: tuple[str, ...]) -> str:
    return f"[{', '.join(trunks)}]"
