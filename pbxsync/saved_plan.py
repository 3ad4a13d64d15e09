"""Saved plans: those of one or several PBXs as a file, by ``schema/plan.schema.json``, and back, read without trust.

It is the document of ``plan --format json`` with a part more, ``saved``: what the plans were made from, and a checksum
over all of it. The checksum finds what was cut short or edited; who can forge a file can forge that too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from pbxsync import __version__, schemas
from pbxsync.errors import PlanFileError, StaleState
from pbxsync.loading import digest_of
from pbxsync.model import Action, KnownRoute
from pbxsync.names import copy_name
from pbxsync.plan_values import plan_of
from pbxsync.regular_file import read_regular
from pbxsync.render.json import FORMAT_VERSION, document, plan_parts
from pbxsync.shallow_json import TooDeep, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pbxsync.model import Change, KnownState, Plan, Problem, Route

#: The most that is read of a file, in bytes; no plan of a PBX comes near.
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """The plan of one PBX with what it was made from.

    ``type`` is the format of the PBX's API, ``add_only`` whether that was chosen, ``init`` whether there was no state
    file, and one is to be begun. ``file_digest`` is the SHA-256 of the routes file, and ``known_digest`` that of the
    known state, both in hexadecimal.
    """

    plan: Plan
    type: str
    add_only: bool
    file_digest: str
    known_digest: str
    init: bool = False

    def on(self, known: KnownState) -> Plan:
        """The plan for the PBX that holds this. Raises StaleState where that is not what the plan was made from."""
        plan = self.plan
        if known_digest(known) != self.known_digest:
            holds = "the PBX holds" if plan.known_state == "live" else f"{plan.known_state} has recorded"
            raise StaleState(f"{plan.file}: stale plan: {holds} something else than it was made from; plan again")
        places = {one: place for place, one in enumerate(known.routes)}
        return replace(plan, changes=tuple(_placed(change, places) for change in plan.changes))

    def check_file(self) -> None:
        """Raise StaleState where the routes file is there and has changed since."""
        path = Path(self.plan.file)
        try:
            if not path.is_file():
                return  # nor is a pipe read, or standard input by a path: what comes from there now was never planned
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return  # the plan needs no file, and may be applied where there is none
        # With what it includes the digest is another, which takes longer to work out.
        if digest != self.file_digest and digest_of(path) != self.file_digest:
            raise StaleState(f"{self.plan.file}: stale plan: the file has changed since it was planned; plan again")


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a file of saved plans holds. ``errors`` are what kept a file from being planned, as in the document.

    ``checksum`` is that of the file: no two plans have the same, but where both were made of the same with nothing
    applied in between.
    """

    checksum: str
    plans: tuple[SavedPlan, ...]
    errors: tuple[tuple[str | None, str], ...] = ()


def known_digest(known: KnownState) -> str:
    """The SHA-256 of what is known of a PBX: its routes, their ids and their order, and what is in doubt.

    So it is of the saved plans that a state file has as applied: once one was, or was begun, what is planned on the
    same routes again is another plan, and may be applied.
    """
    routes = [[*one.route.fields().values(), one.id] for one in known.routes]
    doubts = [
        [
            str(doubt.change.action),
            *(side and list(side.fields().values()) for side in (doubt.change.before, doubt.change.after)),
        ]
        for doubt in known.doubts
    ]
    return _digest([routes, doubts, list(known.applied_plans)])


def saved_text(
    saved: Sequence[SavedPlan], problems: Iterable[Problem] = (), errors: Iterable[tuple[str | None, str]] = ()
) -> str:
    """The text of a file of these plans; ``problems`` and ``errors`` as in the document of ``plan --format json``."""
    parts = plan_parts([one.plan for one in saved], problems, errors)
    header: dict[str, Any] = {
        "pbxsync": __version__,
        "plans": [
            {
                "type": one.type,
                "add_only": one.add_only,
                "init": one.init,
                "file_sha256": one.file_digest,
                "known_state_sha256": one.known_digest,
            }
            for one in saved
        ],
    }
    header["checksum"] = _checksum({"format_version": FORMAT_VERSION, **parts}, header)
    return document(**parts, saved=header)


def read_plans(path: Path) -> PlanFile:
    """The plans that a file holds. Raises PlanFileError, with the reason and what to do."""
    try:
        value = loads(read_regular(path, MAX_BYTES))
    except OSError as error:
        raise PlanFileError(f"{path}: the saved plan can't be read: {error.strerror}") from None
    except TooDeep as error:
        raise PlanFileError(f"{path}: not a saved plan: {error}; {_AGAIN}") from None
    except ValueError:
        raise PlanFileError(f"{path}: not a saved plan: it is not JSON, or cut short; {_AGAIN}") from None
    header = _checked(path, value)
    plans = zip(value["plans"], header["plans"], strict=True)
    errors = tuple((error["file"], error["message"]) for error in value["errors"])
    return PlanFile(header["checksum"], tuple(_saved(path, item, made) for item, made in plans), errors)


_AGAIN = "save it again with: pbxsync plan --out"


def _checked(path: Path, value: Any) -> dict[str, Any]:
    """The part ``saved`` of a document that fits the schema and its checksum."""
    version = value.get("format_version") if isinstance(value, dict) else None
    if not isinstance(version, str) or "plans" not in value:
        raise PlanFileError(f"{path}: not a saved plan; {_AGAIN}")
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise PlanFileError(
            f"{path}: its format_version is {version[:20]}, and this pbxsync reads {FORMAT_VERSION}: apply it with the "
            "pbxsync that made it, or plan again"
        )
    header = value.get("saved")
    if header is None:
        raise PlanFileError(f"{path}: this is what plan --format json prints, which can't be applied; {_AGAIN}")
    if not isinstance(header, dict) or header.get("checksum") != _checksum(value, header):
        raise PlanFileError(
            f"{path}: the plan was altered or cut short after it was saved, and is not applied; {_AGAIN}"
        )
    faults = Draft202012Validator(schemas.load("plan")).iter_errors(value)
    fault = next(faults, None)
    if fault is not None or len(header["plans"]) != len(value["plans"]):
        where = fault.json_path if fault is not None else "$.saved.plans"
        raise PlanFileError(f"{path}: not a saved plan: {where} is not as it must be; {_AGAIN}")
    return header


def _saved(path: Path, item: Any, made: Any) -> SavedPlan:
    plan = plan_of(item)
    shown = {**_LATER, **item}
    # A plan with a doubt or a refusal is never saved.
    unsaved = plan.in_doubt or plan.refusals
    if unsaved or not all(map(_fits, plan.changes)) or plan_parts([plan], (), ())["plans"] != [shown]:
        raise PlanFileError(f"{path}: not a saved plan: it would send something else than it shows; {_AGAIN}")
    return SavedPlan(
        plan, made["type"], made["add_only"], made["file_sha256"], made["known_state_sha256"], made["init"]
    )


#: What a plan of format version 1.0 does not have.
_LATER: Mapping[str, list[Any]] = {"ignored": [], "refusals": [], "failures": []}
#: Whether a change has a route before it, and one after it.
_SIDES = {
    Action.ADD: (False, True),
    Action.UPDATE: (True, True),
    Action.DELETE: (True, False),
    Action.MOVE: (True, True),
}


def _fits(change: Change) -> bool:
    """Whether a change is one that its action makes, and a move's steps are about the route that is moved."""
    move = change.move
    if _SIDES[change.action] != (change.before is not None, change.after is not None):
        return False
    if move is None:
        return change.action is not Action.MOVE
    steps = [step for step in (move.copy, *move.removals, move.rename) if step is not None]
    return (
        change.action is Action.MOVE
        and all(step.move is None and _fits(step) and _is_of(step, change) for step in steps)
        and (move.copy is None or _under(move.copy.after, change) == change.after)
        and (move.rename is None or move.rename.after == change.after)
    )


def _is_of(step: Change, change: Change) -> bool:
    """Return whether a step is about the route that a change moves, or about a copy of it.

    What an earlier run left, a plan shows by name: a route that was renamed in the file since then has its old name.
    """
    move = change.move
    if move is None or move.copy is None:
        return True
    return step.name == (copy_name(change.name) if step is move.copy else change.name)


def _under(route: Route | None, change: Change) -> Route | None:
    """The route under the name of the one that the change is about."""
    return replace(route, name=change.name) if route is not None else None


def _checksum(document: dict[str, Any], header: dict[str, Any]) -> str:
    rest = {key: value for key, value in document.items() if key != "saved"}
    return _digest([rest, {key: value for key, value in header.items() if key != "checksum"}])


def _placed(change: Change, places: Mapping[KnownRoute, int]) -> Change:
    """The change with the places that its routes have on the PBX: what stands lowest is deleted first."""
    move = change.move
    if move is not None:
        move = replace(move, removals=tuple(_placed(removal, places) for removal in move.removals))
    place = places.get(KnownRoute(change.before, change.id)) if change.before is not None else None
    return replace(change, place=place, move=move)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
