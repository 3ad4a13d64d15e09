"""One random trial: a PBX of some firmware, a routes file, and four applies of it; what must hold after each.

The first apply meets a fault, the others don't. Every promise is checked by what the PBX holds, by naive means: no call
goes elsewhere that neither the plan nor the run's report names, nothing is there twice, nothing is claimed falsely, and
each run ends. ``make soak`` runs 2,000 of them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from pbxsync import Route, RouteTable, schemas
from pbxsync.dialplan.pattern import callerid_text, parse
from pbxsync.equal_names import surely_equal_key
from pbxsync.names import is_copy
from pbxsync.sandbox import Firmware, Sandbox
from tests.cli.process import to
from tests.firmwares import drawn
from tests.in_process import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from tests.cli.process import Ended

_NAMES = (
    "emergency", "local", "Local", "to16", "a b", "a  b", "München", "Munchen", "Straße", "Strasse", "sales & more",
    "fire 🔥", "emergency-calls-of-the-head-office-building-1", "catchall-for-everything-that-is-left", "it's",
    "long-distance", "x", "zz", "office (2)", "é" * 30, "renamed",
)  # fmt: skip
_PATTERNS = ("X.", "911", "1XX", "[2-5]XX", "NXXXXXX", "7X.", "8ZXX", "9!", "xx", "11[34]", "1" * 61 + ".")
_TRUNKS = ("trunk1", "trunk2", "to-108-16", "TRUNK1", "nobody")
#: What may happen to one call of the first run. A PBX that says Success and does nothing is beyond these promises.
_FAULTS = (
    "half", "half:1", "die", "die:1", "fail-done", "double", "double-late:0.01", "long", "short:1", "short:0", "reset",
    "after:reset", "close", "after:close", "cut-body", "status:500", "after:status:503", "status:429", "html", "empty",
    "notice", "phplist", "after:hang:1", "before:hang:1", "refuse", "token", "errno:7", "alter:prepend=9",
)  # fmt: skip
_ONLY_CHANGES = ("half", "die", "alter")
_CALLERS = ("", "205")
_SCHEMA = Draft202012Validator(schemas.load("apply"))


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is drawn: the firmware, what the PBX holds, what the file says, how it is applied, what goes wrong."""

    firmware: Firmware
    held: tuple[dict[str, Any], ...]
    declared: tuple[dict[str, Any], ...]
    ignore: tuple[str, ...]
    looked: bool
    kind: str
    choices: tuple[str, ...]
    fault: str | None


def draw(dice: Random) -> Trial:
    """Draw a trial."""
    firmware = drawn(dice)
    names = dice.sample(_NAMES, dice.randint(1, 9))
    declared: list[dict[str, Any]] = []
    for name in names[: dice.randint(1, 6)]:
        if not any(surely_equal_key(name) == surely_equal_key(other["name"]) for other in declared):
            declared.append(_route(name, dice))
    held = [_held(route, dice) for route in declared if dice.random() < 0.5]
    held += [_held(_route(name, dice), dice) for name in names[len(declared) :]]
    if declared and dice.random() < 0.2:
        held.append(_held({**declared[0], "name": "made by hand"}, dice))
    if held and dice.random() < 0.2:
        declared[-1]["renamed_from"] = dice.choice(held)["name"]
    names_of_file = {route["name"] for route in declared}
    if declared[-1].get("renamed_from") in names_of_file:
        del declared[-1]["renamed_from"]
    dice.shuffle(held)
    return Trial(
        firmware=firmware,
        held=tuple(held),
        declared=tuple(declared),
        ignore=("made*",) if dice.random() < 0.5 else (),
        looked=not any("patterns" in row or "hidden" in row for row in held) and dice.random() < 0.9,
        kind=dice.choice(["json", "xml"]),
        choices=tuple(choice for choice in ("--prune", "--reorder", "--state=state.json") if dice.random() < 0.5),
        fault=_fault(dice) if dice.random() < 0.6 else None,
    )


def _route(name: str, dice: Random) -> dict[str, Any]:
    route: dict[str, Any] = {"name": name, "matchpattern": dice.choice(_PATTERNS)}
    route["trunks"] = dice.sample(_TRUNKS[:3] if dice.random() < 0.8 else _TRUNKS, dice.randint(1, 2))
    route |= {"prefix": dice.choice(["9", "00", "16"])} if dice.random() < 0.4 else {}
    route |= {"prepend": "0"} if dice.random() < 0.2 else {}
    route |= {"callerid": "2XX"} if dice.random() < 0.15 else {}
    return route


def _held(route: Mapping[str, Any], dice: Random) -> dict[str, Any]:
    """The route as the PBX may hold it: made by the web page, perhaps, or changed."""
    row = {key: value for key, value in route.items() if key not in ("trunks", "renamed_from")}
    row["trunks"] = ",".join(route["trunks"])
    if dice.random() < 0.3:
        row["trunks"] = dice.choice(_TRUNKS[:3])
    if dice.random() < 0.15:
        row["patterns"] = ["3XX", "4XX"]
    if dice.random() < 0.15:
        row["hidden"] = {"pin": "1234"}
    return row


def _fault(dice: Random) -> str:
    fault = dice.choice(_FAULTS)
    calls = ["outroute/add", "outroute/update"] + ([] if fault.startswith(_ONLY_CHANGES) else ["outroute/delete"])
    calls += ["outroute/query"] if not fault.startswith((*_ONLY_CHANGES, "fail-done")) else []
    return f"{dice.choice(calls)}@{dice.randint(1, 3)}={fault}"


# --- the runs ---------------------------------------------------------------------------------------------------------


def run(trial: Trial) -> None:
    """Apply four times in the current folder. Raises Broken."""
    file = {"pbx": {"hidden_fields": "none"} if trial.looked else {}, "routes": list(trial.declared)}
    if trial.ignore:
        file["ignore"] = list(trial.ignore)
    Path("routes.yaml").write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")
    faults = [trial.fault] if trial.fault else []
    with Sandbox(
        tokens=["t"], firmware=trial.firmware, routes=trial.held, faults=faults, trunks=_sandbox_trunks()
    ) as pbx:
        if validated(trial, pbx):
            history = _History(trial, pbx)
            for _ in range(4):
                history.apply()


def _sandbox_trunks() -> list[dict[str, str]]:
    return [{"trunkname": name} for name in _TRUNKS[:3]]


def validated(trial: Trial, pbx: Sandbox) -> bool:
    """Whether the file is one; a file that is refused is not this trial's matter."""
    return inside("validate", "routes.yaml", env=to(pbx)).code == 0


class _History:
    """What the PBX held at the beginning, and the runs since."""

    def __init__(self, trial: Trial, pbx: Sandbox) -> None:
        self.trial = trial
        self.pbx = pbx
        self.first = {row.id for row in pbx.held()}

    def apply(self) -> None:
        """Apply once, and check everything."""
        trial, pbx = self.trial, self.pbx
        state = [choice for choice in trial.choices if choice.startswith("--state")]
        if state and not Path("state.json").exists():
            inside("refresh", *state, env=self._env())
        if state and not Path("state.json").exists():
            return  # the PBX does not show what it holds
        before, sent = _table(pbx), len(pbx.requests)
        kept = {row.id: row.name for row in pbx.held()}
        done = inside("apply", "--yes", "--format", "json", "routes.yaml", *trial.choices, env=self._env())
        requests = pbx.requests[sent:]
        self._check(done, before, _table(pbx), kept, requests)
        if done.code == 3 and state:
            self._settle()
        elif state:
            inside("refresh", *state, env=self._env())

    def _env(self) -> dict[str, str]:
        return to(self.pbx, PBXSYNC_TYPE=self.trial.kind, PBXSYNC_TIMEOUT="0.4", PBXSYNC_RETRIES="1")

    def _settle(self) -> None:
        """Look on the PBX, as somebody does, and say what is there."""
        state = json.loads(Path("state.json").read_bytes())
        names = Counter(row.name for row in self.pbx.held() if row.listed)
        for doubt in state["doubts"]:
            after = doubt["after"]
            name = (after or doubt["before"])["name"]
            applied = bool(names[name]) == (after is not None)
            inside("resolve", "--state=state.json", "--applied" if applied else "--not-applied", "--", name)
        inside("refresh", "--state=state.json", env=self._env())

    def _check(
        self, done: Ended, before: RouteTable, after: RouteTable, kept: Mapping[str, str], requests: Iterable[Any]
    ) -> None:
        _expect(done.code in (0, 1, 3), f"exit code {done.code}: {done.err}")
        document = done.json
        faults = [error.message for error in _SCHEMA.iter_errors(document)]
        _expect(not faults, f"the document fits its schema: {faults}")
        self._check_calls(document, done, before, after)
        self._check_kept(kept, requests)
        self._check_doubles()
        if done.code == 0:
            self._check_done()
        for plan in document["plans"]:
            self._check_outcomes(plan)

    def _check_calls(self, document: Any, done: Ended, before: RouteTable, after: RouteTable) -> None:
        """Each call that goes elsewhere is in the plan's impact or in the report, or its route is named there."""
        said = done.err + json.dumps([[plan["verification"], plan["warnings"]] for plan in document["plans"]])
        entries = [
            entry for plan in document["plans"] for entry in (*(plan["impact"] or ()), *(plan["impact_now"] or ()))
        ]
        for dial, caller in _calls(self.trial):
            old, new = before.decide(dial, caller), after.decide(dial, caller)
            if (old and (old.trunks, old.sends)) == (new and (new.trunks, new.sends)):
                continue
            routes = [decision.route.name for decision in (old, new) if decision]
            named = any(name in said or json.dumps(name)[1:-1] in said for name in routes)
            covered = any(_covers(entry, dial, caller) for entry in entries)
            _expect(covered or named, f"{dial} from {caller!r} goes elsewhere ({routes}), and nothing says so: {done}")

    def _check_kept(self, kept: Mapping[str, str], requests: Iterable[Any]) -> None:
        """What is gone was deleted by its own name, and was to go."""
        there = {row.id for row in self.pbx.held()}
        deleted = {request.fields.get("name") for request in requests if request.call == "outroute/delete"}
        declared = {route["name"] for route in self.trial.declared}
        renamed = {route.get("renamed_from"): route["name"] for route in self.trial.declared}
        names = [row.name for row in self.pbx.held()]
        for id_, name in kept.items():
            if id_ in there:
                continue
            # One run may rename a route and then move it: its copy takes its place, by its new name.
            own = {name, renamed.get(name)}
            _expect(own & deleted, f"{name} is gone, and was not deleted by its name")
            moved = own & declared and any(other in own or is_copy(other) for other in names)
            pruned = "--prune" in self.trial.choices and name not in declared
            _expect(moved or pruned or is_copy(name), f"{name} was deleted, and was not to be")

    def _check_doubles(self) -> None:
        """No route is there twice that was not at the beginning: the same fields under names that are one."""
        new = [row for row in self.pbx.held() if row.listed and row.id not in self.first and not is_copy(row.name)]
        shown = Counter((surely_equal_key(row.name), row.trunks, str(row.patterns)) for row in new)
        twice = [name for name, count in shown.items() if count > 1]
        _expect(not twice, f"there twice: {twice}")

    def _check_done(self) -> None:
        """Exit code 0: the PBX shows each declared route once, as it is declared."""
        rows = [row for row in self.pbx.held() if row.listed]
        for route in self.trial.declared:
            there = [row for row in rows if row.name == route["name"]]
            _expect(len(there) == 1, f"exit code 0, and {route['name']} is there {len(there)} times")
            if len(there[0].patterns) == 1:
                row = there[0].row()
                same = all(row[key] == route.get(key, "") for key in ("prefix", "matchpattern", "prepend", "callerid"))
                _expect(
                    same and row["trunks"] == ",".join(route["trunks"]), f"exit code 0, and {route['name']} is {row}"
                )

    def _check_outcomes(self, plan: Any) -> None:
        """What is called applied is there as it was sent, or the report says what is wrong with it."""
        listed = {row.name for row in self.pbx.held() if row.listed}
        said = json.dumps([plan["verification"], plan["error"]], ensure_ascii=False)
        for outcome in plan["outcomes"]:
            name = outcome["name"]
            if outcome["status"] == "applied":
                holds = (name in listed) != (outcome["action"] == "delete")
                mentioned = json.dumps(name, ensure_ascii=False)[1:-1] in said
                _expect(holds or mentioned or plan["error"], f"{outcome} is claimed, and the PBX holds {listed}")


def _expect(holds: object, promise: str) -> None:
    if not holds:
        raise Broken(promise)


def _table(pbx: Sandbox) -> RouteTable:
    """What the PBX does with calls: an entry for each pattern of each route that is in its order."""
    rows = [row.row(pattern) for row in pbx.held() if row.listed for pattern in row.patterns]
    texts = ("matchpattern", "prefix", "prepend", "callerid")
    return RouteTable(_as_route(row, texts) for row in rows)


def _as_route(row: Mapping[str, Any], texts: tuple[str, ...]) -> Route:
    trunks = tuple(filter(None, row["trunks"].split(",")))
    return replace(Route(row["name"], "", trunks), **{name: row[name] for name in texts})


def _calls(trial: Trial) -> list[tuple[str, str | None]]:
    """Calls that the routes of the trial take."""
    texts = [route.get("prefix", "") + route["matchpattern"] for route in trial.declared]
    texts += [row.get("prefix", "") + row["matchpattern"] for row in trial.held]
    texts += [row.get("prefix", "") + pattern for row in trial.held for pattern in row.get("patterns", ())]
    numbers = {_number(text) for text in texts} | {"911", "112", "7123", "305", "5551234"}
    return [(number, caller) for number in sorted(numbers) for caller in _CALLERS]


def _number(text: str) -> str:
    """A number that the pattern takes, if any does."""
    signs = {"X": "4", "x": "4", "Z": "4", "N": "4", ".": "33", "!": "3", "[2-5]": "3", "[34]": "3"}
    number = text
    for sign, digit in sorted(signs.items(), key=lambda item: -len(item[0])):
        number = number.replace(sign, digit)
    return number


def _covers(entry: Any, dial: str, caller: str | None) -> bool:
    """Whether an entry of an impact is about the call."""
    callers = entry["callers"]
    takes = any(_takes(pattern, dial) for pattern in entry["numbers"])
    matches = all(caller and _takes(callerid_text(pattern), caller) for pattern in callers["match"])
    return takes and matches and not any(caller and _takes(callerid_text(one), caller) for one in callers["not"])


def _takes(text: str, number: str) -> bool:
    pattern = parse(text)
    return pattern is not None and pattern.matches(number)
