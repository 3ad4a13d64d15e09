"""The outbound routes of the sandbox, and the file that they are kept in."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pbxsync.sandbox.errors import Errno, Refused, SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A route as ``outroute/query`` answers it, in the manual's order.
ROW_FIELDS = ("id", "name", "prepend", "prefix", "matchpattern", "callerid", "trunks")

#: The fields that ``outroute/add`` and ``outroute/update`` set.
ROUTE_FIELDS = ROW_FIELDS[1:]

_REQUIRED = ("name", "matchpattern", "trunks")
_FILTERED = ("prefix", "matchpattern", "prepend", "callerid")
_NOT_STORED = re.compile(r"[^0-9*#+\-.\[\]XNZ]")

SameName: TypeAlias = Literal["second", "refuse"]
_Row: TypeAlias = dict[str, str]


class RouteTable:
    """The outbound routes in order of precedence, and the next id. No change is half made.

    With ``store`` the table is read from that file if it exists, else it begins as ``routes``; each change is written
    to it before it counts. Raises SandboxError if the file cannot be used, or if ``routes`` holds something odd.
    """

    def __init__(
        self, *, routes: Iterable[Mapping[str, str]], store: Path | None, same_name: SameName, filter_fields: bool
    ) -> None:
        self._store = store.absolute() if store else None
        self._same_name = same_name
        self._filter = filter_fields
        stored = _read_store(self._store) if self._store else None
        self._rows, self._next_id = stored or _rows(routes, 1)

    def rows(self) -> list[_Row]:
        """Return copies of all routes."""
        return [dict(row) for row in self._rows]

    def add(self, fields: Mapping[str, str], altered: Mapping[str, str]) -> None:
        """Append a route; ``altered`` is what a fault makes of some fields once they were accepted."""
        if not all(fields.get(name) for name in _REQUIRED):
            raise Refused(Errno.PARAMETER_EMPTY)
        if self._same_name == "refuse" and self._named([fields["name"]]):
            raise Refused(Errno.NAME_TAKEN)
        row = dict.fromkeys(ROW_FIELDS, "") | {"id": str(self._next_id)} | self._stored(fields) | dict(altered)
        self._keep([*self._rows, row], self._next_id + 1)

    def find(self, name: str) -> list[_Row]:
        """Return the routes of one name, of several joined by commas, or of ``all``; unknown names bring nothing."""
        if not name:
            raise Refused(Errno.PARAMETER_EMPTY)
        return self.rows() if name == "all" else [dict(row) for row in self._named(name.split(","))]

    def update(self, fields: Mapping[str, str], altered: Mapping[str, str]) -> None:
        """Replace the fields that are present, empty ones too, of the route with ``fields["id"]``."""
        if not (wanted := fields.get("id")):
            raise Refused(Errno.PARAMETER_EMPTY)
        if not any(row["id"] == wanted for row in self._rows):
            raise Refused(Errno.NO_SUCH_ROUTE)
        others = [row for row in self._named([fields.get("name", "")]) if row["id"] != wanted]
        if self._same_name == "refuse" and others:
            raise Refused(Errno.NAME_TAKEN)
        change = self._stored(fields) | dict(altered)
        self._keep([row | change if row["id"] == wanted else row for row in self._rows], self._next_id)

    def delete(self, name: str) -> None:
        """Delete what ``find`` finds; if one of several names is unknown, nothing."""
        doomed = {row["id"] for row in self.find(name)}
        if name != "all" and set(name.split(",")) - {row["name"] for row in self._rows}:
            raise Refused(Errno.NO_SUCH_ROUTE)
        self._keep([row for row in self._rows if row["id"] not in doomed], self._next_id)

    def drop_last(self) -> None:
        """Lose the last route, as no call of the API does."""
        self._keep(self._rows[:-1], self._next_id)

    def _named(self, names: list[str]) -> list[_Row]:
        return [row for row in self._rows if row["name"] in names]

    def _stored(self, fields: Mapping[str, str]) -> _Row:
        row = {name: fields[name] for name in ROUTE_FIELDS if name in fields}
        if self._filter:
            row |= {name: _NOT_STORED.sub("", row[name].upper()) for name in _FILTERED if name in row}
        return row

    def _keep(self, rows: list[_Row], next_id: int) -> None:
        if self._store:
            _write_store(self._store, rows, next_id)
        self._rows, self._next_id = rows, next_id


def _read_store(path: Path) -> tuple[list[_Row], int] | None:
    """Return the routes and the next id that a file keeps; None if there is no such file."""
    try:
        kept = json.loads(path.read_bytes())
        return _rows(kept["routes"], int(kept["next_id"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SandboxError(f"cannot read the sandbox's routes from {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SandboxError) as error:
        raise SandboxError(
            f"{path} does not hold a sandbox's routes ({error}); delete it to begin with none, or name another file"
        ) from error


def _write_store(path: Path, rows: list[_Row], next_id: int) -> None:
    # One route a line: such a file can be read and compared, and json is slow only when it indents.
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    text = f'{{"next_id": {next_id}, "routes": [\n{lines}\n]}}\n'
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(text.encode())
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise SandboxError(f"cannot keep the sandbox's routes in {path}: {error.strerror}") from error


def _rows(routes: Iterable[Mapping[str, str]], next_id: int) -> tuple[list[_Row], int]:
    """Return complete rows and the next free id; a route that brings its id keeps it."""
    rows: list[_Row] = []
    seen: set[str] = set()
    for route in routes:
        odd = [name for name, value in route.items() if name not in ROW_FIELDS or not isinstance(value, str)]
        if odd:
            raise SandboxError(
                f"a route of the sandbox has {odd[0]!r}; its fields are strings: {', '.join(ROW_FIELDS)}"
            )
        number = route.get("id", str(next_id))
        if not re.fullmatch("[1-9][0-9]{0,17}", number) or number in seen:
            raise SandboxError(f"a route of the sandbox has the id {number!r}; ids are whole numbers, each used once")
        seen.add(number)
        next_id = max(next_id, int(number) + 1)
        rows.append(dict.fromkeys(ROW_FIELDS, "") | dict(route) | {"id": number})
    return rows, next_id
