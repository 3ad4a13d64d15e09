"""What the PBX has of each route of a file, and what keeps a route from being added, renamed, moved or deleted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pbxsync.equal_names import NameIndex
from pbxsync.model import DeclaredRoute, KnownRoute, PlanWarning
from pbxsync.names import copy_name, copy_stem, ignored, is_copy, original, route_fault
from pbxsync.stored import may_be_stored_as, stored_key
from pbxsync.text import listed, short
from pbxsync.twins import equal_name_refusal, ignored_refusal, same_fields_refusal, two_new_names_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pbxsync.model import Desired, Route


@dataclass(frozen=True, slots=True)
class There:
    """A route that the PBX has of a declared one, and its index there."""

    place: int
    known: KnownRoute

    @property
    def name(self) -> str:
        """The name that it has on the PBX."""
        return self.known.route.name


@dataclass(frozen=True, slots=True)
class Found:
    """A declared route, and what the PBX has of it, from the top: nothing, the route, copies of it.

    Where it is ``blocked`` nothing can be done: which of the PBX's routes is meant is not known, or it has patterns
    that no query shows. ``refused`` is why it must not be added, or not be renamed.
    """

    declared: DeclaredRoute
    there: tuple[There, ...]
    blocked: bool
    _unsafe_to_move: Callable[[Found], str | None] = field(compare=False, repr=False)
    refused: PlanWarning | None = None

    @property
    def fixed(self) -> str | None:
        """Why it can't be moved; None where it can.

        It is worked out on demand, for most routes need not be moved.
        """
        return self._unsafe_to_move(self)

    @property
    def done(self) -> bool:
        """Whether the PBX has the route just as it is declared, once, and nothing else of it."""
        there = self.there
        return len(there) == 1 and not self.blocked and there[0].known.route == self.declared.route

    @property
    def copies(self) -> list[str]:
        """The names of the copies that an interrupted reorder has left of it."""
        if len(self.there) == 1 and self.there[0].known.route.name == self.declared.route.name:
            return []
        return [there.name for there in self.there if is_copy(there.name)]

    @property
    def is_lone_copy(self) -> bool:
        """Whether the PBX has one copy of it, and nothing else: to give that its name moves nothing."""
        return len(self.there) == 1 and bool(self.copies)

    @property
    def immovable(self) -> str | None:
        """Why it can't be moved; None where it can."""
        return "the PBX has several routes of one of its names" if self.blocked else self.fixed

    @property
    def stuck(self) -> bool:
        """Whether what an interrupted reorder has left of it can't be cleared up."""
        return self.blocked or (len(self.there) > 1 and self.fixed is not None)


class Matching:
    """The routes of a file against those of its PBX, by name.

    ``warnings`` say where names are not clear. ``failures`` are the same of declared routes: the PBX will not hold
    what the file says of them. With ``add_only`` nothing is renamed, so that no name becomes free.
    """

    def __init__(self, desired: Desired, known: Iterable[KnownRoute], *, add_only: bool = False) -> None:
        self.known = tuple(known)
        self.warnings: list[PlanWarning] = []
        self.failures: list[PlanWarning] = []
        #: The PBX's names that a route of the file is meant by, with its name; and those that the file says to ignore.
        self.claimed: dict[str, str] = {}
        self.ignored: set[str] = set()
        #: The PBX's names, in its order, with the routes of each.
        self.names: dict[str, list[There]] = {}
        #: Routes of the PBX that a refusal names.
        self.twins: set[str] = set()
        self._desired = desired
        self._add_only = add_only
        self._copies: dict[str, list[There]] = {}
        self._ids: dict[str, set[str]] = {}
        #: Declared names that are not on the PBX, and names that a rename frees there before anything is added.
        self._new: list[str] = []
        self._freed: set[str] = set()
        #: Names that the plan brings to the PBX.
        self._coming: NameIndex[str] = NameIndex()
        #: Why some routes are neither deleted nor moved: they may be another route of the file.
        self._kept: dict[str, str] = {}
        #: Routes of which there is a copy at the wrong place already.
        self._copied: set[str] = set()
        self._index: NameIndex[str] | None = None
        self._copy_index: NameIndex[str] | None = None
        self._stems: dict[str, set[str]] | None = None
        self._unmanaged: dict[tuple[str, ...], list[KnownRoute]] | None = None
        for place, known_route in enumerate(self.known):
            self._take(There(place, known_route))
        self.found = [self._find(declared) for declared in desired.routes]
        # A copy of a declared route is pbxsync's own, whatever else has such a name.
        others = (name for name in self.names if not (is_copy(name) and name in self.claimed))
        self.ignored = {name for name in others if ignored(name, desired.ignore)}
        self._say_unclear()
        self.found = [replace(found, refused=self._refused(found)) for found in self.found]

    def _take(self, there: There) -> None:
        name = there.name
        self.names.setdefault(name, []).append(there)
        if is_copy(name):
            self._copies.setdefault(original(name), []).append(there)
        if there.known.id is not None:
            self._ids.setdefault(there.known.id, set()).add(name)

    # What the PBX has of a name.

    def has_patterns(self, name: str) -> bool:
        """Whether the route of this name has several patterns: the PBX shows an item of one id for each of them."""
        there = self.names.get(name, ())
        return len(there) > 1 and there[0].known.id is not None and len({item.known.id for item in there}) == 1

    def shares_id(self, known: KnownRoute) -> list[str]:
        """Other names that the PBX shows with the id of this route."""
        return sorted(self._ids.get(known.id or "", set()) - {known.route.name})

    def _of(self, name: str) -> tuple[There, ...]:
        """The routes of a name with their copies, from the top."""
        there = self.names.get(name, [])
        if not self._copies:
            return tuple(there)
        stems = {name, copy_stem(name)} - ({copy_stem(name)} if self._shares_stem(name) else set())
        copies = [copy for stem in stems for copy in self._copies.get(stem, ())]
        return tuple(sorted([*there, *copies], key=lambda item: item.place))

    def _shares_stem(self, name: str) -> bool:
        """Whether a copy of another route would have the name that a copy of this one has."""
        if self._stems is None:
            self._stems = {}
            for other in self._movable():
                self._stems.setdefault(copy_stem(other), set()).add(other)
        return bool(self._stems.get(copy_stem(name), set()) - {name})

    def _movable(self) -> Iterator[str]:
        """The names of all routes of the file and of the PBX that a copy may be of."""
        yield from (declared.route.name for declared in self._desired.routes)
        yield from (name for name in self.names if not is_copy(name))

    def _find(self, declared: DeclaredRoute) -> Found:
        name, old = declared.route.name, declared.renamed_from
        there = self._of(name)
        if name not in self.names:
            self._new.append(name)
        elif old is None and len(there) == 1:  # as nearly all are
            self.claimed[name] = name
            return Found(declared, there, False, self._unsafe_to_move)
        former = self._of(old) if old is not None else ()
        blocked = any(len(self.names[item.name]) > 1 for item in there or former)
        if there and former and not blocked:
            message = (
                f"renamed_from: {short(old or '')} has no effect: {short(name)} is on the PBX already, and so is "
                f"{short(old or '')}"
            )
            self.warnings.append(PlanWarning("rename-done", message))
        elif len(former) == 1 and not there and not self._add_only and not is_copy(former[0].name):
            self._freed.add(former[0].name)  # a route that is half moved gets its name last, after what is added
        found = Found(declared, there or former, blocked, self._unsafe_to_move)
        self.claimed.update((item.name, name) for item in found.there)
        return found

    def _say_unclear(self) -> None:
        """Say which names the PBX has more than once, and what follows."""
        for name, there in self.names.items():
            if len(there) > 1 and name not in self.ignored:
                to = self.failures if name in self.claimed else self.warnings
                to.append(self._unclear(name, self.claimed.get(name)))

    def _unclear(self, name: str, declared: str | None) -> PlanWarning:
        """Why nothing is done about a name; ``declared`` is the route of the file that is meant by it."""
        count, shown = len(self.names[name]), short(name)
        also = f", nor is {short(declared)}" if declared is not None and declared != name else ""
        if not self.has_patterns(name):
            message = f"the PBX has {count} routes called {shown}, so none of them is changed{also}"
            return PlanWarning("doubled-on-pbx", f"{message}; delete or rename all but one on the PBX")
        message = f"{shown} has {count} patterns, made in the PBX's web page, and is left as it is{also}"
        way_out = "; declare each pattern as a route with a name of its own, and delete this one on the PBX"
        return PlanWarning("several-patterns", message + (way_out if declared else ""))

    # What must not be added.

    def _refused(self, found: Found) -> PlanWarning | None:
        """Why a route must not be added, or renamed: the PBX may have it already, under another name."""
        name = found.declared.route.name
        own = {there.name for there in found.there}
        kept = sorted(own & self.ignored)
        if kept:
            return ignored_refusal(name, kept[0])
        if name in self.names or found.blocked:
            return None
        return self._equal_name(found, own) or self._same_route(found) or self._come(found)

    def _equal_name(self, found: Found, own: set[str]) -> PlanWarning | None:
        """Refuse a name that a PBX may take for another one that it has."""
        twins = sorted(other for other in self._equal(found.declared.route.name) if other in self.names.keys() - own)
        if not twins:
            return None
        self.twins.update(twins)
        twins.sort(key=lambda name: name not in self.claimed)
        return equal_name_refusal(found.declared, twins, sorted(own), self.claimed)

    def _same_route(self, found: Found) -> PlanWarning | None:
        """Refuse a route whose fields a route of the PBX has that nobody declared."""
        twins = [] if found.there else self._same_fields(found.declared.route)
        for twin in twins:
            self._kept[twin.route.name] = f"it may be {short(found.declared.route.name)} of the file"
            self.twins.add(twin.route.name)
        return same_fields_refusal(found.declared, twins) if twins else None

    def _come(self, found: Found) -> PlanWarning | None:
        """Note a name that is new on the PBX; refuse it where a PBX may take it for another that is new too."""
        name = found.declared.route.name
        if found.there and self._add_only:
            return None  # it is not renamed
        others = [other for other, _ in self._coming.equal_to(name)]
        if others:
            return two_new_names_refusal(name, others[0])
        self._coming.add(name, name)
        return None

    def _equal(self, name: str) -> Iterator[str]:
        """Other names, of the PBX once renames are done or new ones of the file, that a PBX may take for this one."""
        if self._index is None:
            self._index = NameIndex((other, other) for other in (*self.names, *self._new) if other not in self._freed)
        return (other for other, _ in self._index.equal_to(name) if other != name)

    def _same_fields(self, *routes: Route) -> list[KnownRoute]:
        """Routes of the PBX that nobody declared, with the fields of one of these, as a PBX may store them."""
        if self._unmanaged is None:
            self._unmanaged = {}
            for known in self.known:
                name = known.route.name
                if name not in self.claimed and name not in self.ignored:
                    self._unmanaged.setdefault(stored_key(known.route), []).append(known)
        return [
            known
            for key in dict.fromkeys(map(stored_key, routes))
            for known in self._unmanaged.get(key, ())
            if any(may_be_stored_as(route, known.route) for route in routes)
        ]

    # What must not be moved or deleted.

    def bar_second_copy(self, found: Found) -> None:
        """Note that the copy there is of a route is not where it must be, and that no other may be made."""
        self._copied.add(found.declared.route.name)

    def has_wrong_copy(self, found: Found) -> bool:
        """Return whether there is a copy of a route that is not where it must be."""
        return found.declared.route.name in self._copied

    def _unsafe_to_move(self, found: Found) -> str | None:
        """Why a route can't be moved; None where it can."""
        name = found.declared.route.name
        fault = route_fault(name)
        if fault:
            return fault[1]
        for there in {there.name: there for there in found.there}:
            reason = self.unsafe_to_delete(there)
            if reason:
                return reason
        if found.copies:
            return self._wrong_copy(found) if self.has_wrong_copy(found) else None
        return self._unsafe_to_copy(found) if found.there else None

    def _wrong_copy(self, found: Found) -> str:
        copies = listed(found.copies, 3)
        return f"an earlier run made {copies}, which is not where this file needs it, and no other copy is made"

    def _unsafe_to_copy(self, found: Found) -> str | None:
        """Why no copy of a route can be made; None where one can."""
        name = found.declared.route.name
        copy = copy_name(name)
        if self._copy_index is None:
            self._copy_index = NameIndex((copy_name(other), other) for other in dict.fromkeys(self._movable()))
        shared = sorted(other for _, other in self._copy_index.equal_to(copy) if other != name)
        if shared:
            return f"its copy would be called {copy}, for lack of room, and so would that of {listed(shared, 3)}"
        taken = sorted({*self._equal(copy), *({copy} & self.names.keys())})
        if taken:
            return f"its copy would be called {copy}, and a PBX may take {listed(taken, 3)} for the same name"
        alike = self._alike(found)
        if alike:
            names = listed(alike, 3)
            return f"the PBX has {names} with the same fields, perhaps a copy of it (if not, list {names} under ignore)"
        return None

    def _alike(self, found: Found) -> list[str]:
        """The names of unmanaged routes that have the fields of a route, as it is declared or as the PBX has it."""
        routes = self._same_fields(found.declared.route, *(there.known.route for there in found.there))
        return list(dict.fromkeys(known.route.name for known in routes))

    def keep_copies(self, found: Found) -> None:
        """Keep from being deleted what may be a copy of a route that must be moved: a later run would make another."""
        name = found.declared.route.name
        if found.there and not found.copies:
            for other in {*self._equal(copy_name(name)), *self._alike(found)} - self.claimed.keys():
                self._kept[other] = f"it may be a copy of {short(name)}, which must be moved"

    def unsafe_to_delete(self, name: str) -> str | None:
        """Why a route can't be deleted by this name without harm; None where it can."""
        fault = route_fault(name)
        if fault:
            return fault[1]
        if name in self._kept:
            return self._kept[name]
        equal = sorted(self._equal(name))
        if equal:
            return f"a PBX may take {listed(equal, 3)} for the same name, and delete both"
        if self.has_patterns(name):
            return "it has several patterns, made in the web page"
        shared = dict.fromkeys(other for there in self.names.get(name, ()) for other in self.shares_id(there.known))
        return f"the PBX shows {listed(shared, 3)} with the same id" if shared else None
