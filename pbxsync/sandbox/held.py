"""The routes that the sandbox holds, and the file that they are kept in."""

from __future__ import annotations

import errno
import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbxsync.sandbox.errors import SandboxError
from pbxsync.sandbox.storing import PATTERN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A route as ``outroute/query`` answers it, in the manual's order.
ROW_FIELDS = ("id", "name", "prepend", "prefix", "matchpattern", "callerid", "trunks")

_NO_PATTERN = dict.fromkeys(PATTERN_FIELDS, "")


@dataclass(frozen=True, slots=True)
class HeldRoute:
    """One route as the PBX holds it.

    ``patterns`` are its dial patterns, each with the four fields of one: several if the web page made it, none if a
    call failed in the middle. ``hidden`` are fields of the web page, such as a PIN. A route that is not ``listed`` is
    shown by no query and takes no call.
    """

    id: str
    name: str
    trunks: str
    patterns: tuple[Mapping[str, str], ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    listed: bool = True

    @property
    def pattern(self) -> Mapping[str, str]:
        """The pattern that comes first by its text; one of empty fields if there is none."""
        return min(self.patterns, key=lambda pattern: (pattern["matchpattern"], pattern["prefix"]), default=_NO_PATTERN)

    def row(self, pattern: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the fields that the API shows, with this pattern or else the first by text."""
        texts = {"id": self.id, "name": self.name, "trunks": self.trunks, **(pattern or self.pattern)}
        return {name: texts[name] for name in ROW_FIELDS}


def held_routes(routes: Iterable[Mapping[str, Any]], next_id: int) -> tuple[list[HeldRoute], int]:
    """Return routes and the next free id; a route that brings its id keeps it.

    Besides the API's fields a route may have ``patterns`` (a list of matchpatterns, or of mappings with the fields of
    a dial pattern; what a pattern does not say is as in the route), ``hidden`` and ``listed``. Raises SandboxError if
    there is anything else.
    """
    held: list[HeldRoute] = []
    seen: set[str] = set()
    for route in routes:
        _check(route)
        number = route.get("id", str(next_id))
        if not re.fullmatch("[1-9][0-9]{0,17}", number) or number in seen:
            raise SandboxError(f"a route of the sandbox has the id {number!r}; ids are whole numbers, each used once")
        seen.add(number)
        next_id = max(next_id, int(number) + 1)
        held.append(
            HeldRoute(
                number,
                route.get("name", ""),
                route.get("trunks", ""),
                tuple(_patterns(route)),
                dict(route.get("hidden", {})),
                route.get("listed", True),
            )
        )
    return held, next_id


def _patterns(route: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    own = _NO_PATTERN | {name: route[name] for name in PATTERN_FIELDS if name in route}
    for pattern in route.get("patterns", [{}]):
        yield own | ({"matchpattern": pattern} if isinstance(pattern, str) else pattern)


def _check(route: Mapping[str, Any]) -> None:
    """Raise SandboxError if a route has a field that there is not, or a value of the wrong kind."""
    patterns, hidden, listed = route.get("patterns", []), route.get("hidden", {}), route.get("listed", True)
    texts = {name: value for name, value in route.items() if name not in ("patterns", "hidden", "listed")}
    odd = [name for name, value in texts.items() if name not in ROW_FIELDS or not isinstance(value, str)]
    odd += ["patterns"] * (not isinstance(patterns, list | tuple) or not all(map(_is_pattern, patterns)))
    odd += ["hidden"] * (not isinstance(hidden, dict) or not _are_texts(hidden))
    odd += ["listed"] * (not isinstance(listed, bool))
    if odd:
        raise SandboxError(
            f"a route of the sandbox has {odd[0]!r}; its fields are strings: {', '.join(ROW_FIELDS)}; besides it may "
            "have patterns (a list), hidden (names with texts) and listed (true or false)"
        )


def _is_pattern(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, dict) and set(value) <= set(PATTERN_FIELDS) and _are_texts(value)
    )


def _are_texts(values: Mapping[Any, Any]) -> bool:
    return all(isinstance(value, str) for value in values.values())


def read_store(path: Path) -> tuple[list[HeldRoute], int] | None:
    """Return the routes and the next id that a file keeps; None if there is no such file."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError(errno.EINVAL, "it is not a regular file")  # noqa: TRY301 - one message for all
        kept = json.loads(path.read_bytes())
        return held_routes(kept["routes"], int(kept["next_id"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SandboxError(f"cannot read the sandbox's routes from {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SandboxError) as error:
        raise SandboxError(
            f"{path} does not hold a sandbox's routes ({error}); delete it to begin with none, or name another file"
        ) from error


def write_store(path: Path, routes: Iterable[HeldRoute], next_id: int) -> None:
    """Write the routes to a file, which is replaced whole. Raises SandboxError where it can't be written."""
    # One route a line: such a file can be read and compared, and json is slow only when it indents.
    lines = ",\n".join(json.dumps(_kept(route), ensure_ascii=False) for route in routes)
    text = f'{{"next_id": {next_id}, "routes": [\n{lines}\n]}}\n'
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            # A name that was cut inside a UTF-8 sign holds half of a surrogate pair, which json reads back.
            file.write(text.encode(errors="surrogatepass"))
        temporary.replace(path)
    except OSError as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        raise SandboxError(f"cannot keep the sandbox's routes in {path}: {error.strerror}") from error


def _kept(route: HeldRoute) -> dict[str, Any]:
    """Return a route as `held_routes` takes it."""
    kept: dict[str, Any] = dict(route.row())
    if len(route.patterns) != 1:
        kept["patterns"] = list(route.patterns)
    if route.hidden:
        kept["hidden"] = route.hidden
    if not route.listed:
        kept["listed"] = False
    return kept
