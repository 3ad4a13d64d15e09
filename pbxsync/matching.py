"""What the PBX has of each route of a file, and which routes can't be deleted by their name without harm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbxsync.model import DeclaredRoute, KnownRoute, PlanWarning
from pbxsync.names import copy_name, folded, is_copy, original, route_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pbxsync.model import Desired


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

    Where it is ``blocked`` nothing can be done, since it can't be told which of the PBX's routes is meant. ``fixed`` is
    why it can't be moved: to move takes to delete by name, which might delete another route too.
    """

    declared: DeclaredRoute
    there: tuple[There, ...] = ()
    blocked: bool = False
    fixed: str | None = None

    @property
    def copies(self) -> list[str]:
        """The names of the copies that an interrupted reorder has left of it."""
        return [one.name for one in self.there if is_copy(one.name)]

    @property
    def immovable(self) -> str | None:
        """Why it can't be moved; None where it can."""
        return "the PBX has several routes of one of its names" if self.blocked else self.fixed

    @property
    def stuck(self) -> bool:
        """Whether what an interrupted reorder has left of it can't be cleared up."""
        return self.blocked or (self.fixed is not None and len(self.there) > 1)


@dataclass(slots=True)
class Matching:
    """The routes of a file against those of its PBX, by name. ``warnings`` say where names are not clear."""

    known: tuple[KnownRoute, ...]
    found: list[Found] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    #: The PBX's names that a route of the file stands for.
    claimed: set[str] = field(default_factory=set)
    #: How often each name is on the PBX, in the PBX's order.
    count: Counter[str] = field(default_factory=Counter)
    _there: dict[str, list[There]] = field(default_factory=dict)
    _folded: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.count = Counter(known.route.name for known in self.known)
        self._folded = Counter(folded(name) for name in self.count)
        for place, known in enumerate(self.known):
            self._there.setdefault(original(known.route.name), []).append(There(place, known))
        for name, count in self.count.items():
            if count > 1:
                also = f", nor is {original(name)}" if is_copy(name) else ""
                message = (
                    f"the PBX has {count} routes called {name}, so none of them is changed{also}; delete or rename all "
                    "but one on the PBX"
                )
                self.warnings.append(PlanWarning("doubled-on-pbx", message))

    @classmethod
    def of(cls, desired: Desired, known: Iterable[KnownRoute]) -> Matching:
        """Find what the PBX has of each route of the file, in the file's order."""
        made = cls(tuple(known))
        found = [made._find(declared) for declared in desired.routes]
        # Only once all names are known can it be told which of them are too much alike.
        made.found = [Found(one.declared, one.there, one.blocked, made._unsafe_to_move(one)) for one in found]
        return made

    def _find(self, declared: DeclaredRoute) -> Found:
        name, old = declared.route.name, declared.renamed_from
        self._folded[folded(name)] += name not in self.count
        there = self._there.get(name, [])
        former = self._there.get(old, []) if old is not None else []
        blocked = any(self.count[one.name] > 1 for one in there or former)
        if there and former and not blocked:
            message = f"renamed_from: {old} has no effect: {name} is on the PBX already, and so is {old}"
            self.warnings.append(PlanWarning("rename-done", message))
        elif former and not there and blocked:
            message = f"{name} is not renamed from {old}, nor added: it can't be told which of the routes is meant"
            self.warnings.append(PlanWarning("doubled-on-pbx", message))
        elif former and not there:
            self._folded[folded(former[0].name)] -= 1  # that name is free once it is renamed
        found = Found(declared, tuple(there or former), blocked)
        self.claimed.update(one.name for one in found.there)
        return found

    def _unsafe_to_move(self, found: Found) -> str | None:
        """Why a route can't be moved; None where it can."""
        names = [found.declared.route.name, *(one.name for one in found.there)]
        reasons = (self.unsafe_to_delete(name) for name in names)
        copy = copy_name(original(names[-1]) if found.copies else names[0], names)
        alike = found.there and self._folded[folded(copy)]
        return next((why for why in reasons if why), _ALIKE if alike else None)

    def unsafe_to_delete(self, name: str) -> str | None:
        """Why a route can't be deleted by this name without harm; None where it can."""
        fault = route_fault(name)
        if fault:
            return fault[1]
        return _ALIKE if self._folded[folded(name)] > 1 else None


_ALIKE = "another route's name differs only in case, and the PBX may delete both"
