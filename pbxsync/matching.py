"""What the PBX has of each route of a file, and which routes can't be deleted by their name without harm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pbxsync.model import DeclaredRoute, KnownRoute, PlanWarning
from pbxsync.names import COPY, copy_name, folded, is_copy, original, route_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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

    Where it is ``blocked`` nothing can be done, since it can't be told which of the PBX's routes is meant.
    """

    declared: DeclaredRoute
    there: tuple[There, ...]
    blocked: bool
    _unsafe_to_move: Callable[[Found], str | None] = field(compare=False, repr=False)

    @property
    def fixed(self) -> str | None:
        """Why it can't be moved: to move takes to delete by name, which might delete another route too. None else.

        It is worked out when it is asked for, for most routes need not be moved.
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
        return [one.name for one in self.there if is_copy(one.name)]

    @property
    def immovable(self) -> str | None:
        """Why it can't be moved; None where it can."""
        return "the PBX has several routes of one of its names" if self.blocked else self.fixed

    @property
    def stuck(self) -> bool:
        """Whether what an interrupted reorder has left of it can't be cleared up."""
        return self.blocked or (len(self.there) > 1 and self.fixed is not None)


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
    _there: dict[str, tuple[There, ...]] = field(default_factory=dict)
    #: The names that the file brings to the PBX, and those that it frees there.
    _new: list[str] = field(default_factory=list)
    _freed: list[str] = field(default_factory=list)
    _folded: Counter[str] | None = None

    def __post_init__(self) -> None:
        self.count = Counter(known.route.name for known in self.known)
        for place, known in enumerate(self.known):
            name = known.route.name
            own = original(name) if name.endswith(COPY) else name
            self._there[own] = (*self._there.get(own, ()), There(place, known))
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
        made.found = [made._find(declared) for declared in desired.routes]
        return made

    def _find(self, declared: DeclaredRoute) -> Found:
        name, old = declared.route.name, declared.renamed_from
        there = self._there.get(name, ())
        if name not in self.count:
            self._new.append(name)
        elif old is None and len(there) == 1:  # as nearly all are
            self.claimed.add(name)
            return Found(declared, there, False, self._unsafe_to_move)
        former = self._there.get(old, ()) if old is not None else ()
        blocked = any(self.count[one.name] > 1 for one in there or former)
        if there and former and not blocked:
            message = f"renamed_from: {old} has no effect: {name} is on the PBX already, and so is {old}"
            self.warnings.append(PlanWarning("rename-done", message))
        elif former and not there and blocked:
            message = f"{name} is not renamed from {old}, nor added: it can't be told which of the routes is meant"
            self.warnings.append(PlanWarning("doubled-on-pbx", message))
        elif former and not there:
            self._freed.append(former[0].name)  # that name is free once it is renamed
        found = Found(declared, there or former, blocked, self._unsafe_to_move)
        self.claimed.update(one.name for one in found.there)
        return found

    def _unsafe_to_move(self, found: Found) -> str | None:
        """Why a route can't be moved; None where it can."""
        names = [found.declared.route.name, *(one.name for one in found.there)]
        reasons = (self.unsafe_to_delete(name) for name in names)
        copy = copy_name(original(names[-1]) if found.copies else names[0], names)
        alike = found.there and self._alike()[folded(copy)]
        return next((why for why in reasons if why), _ALIKE if alike else None)

    def unsafe_to_delete(self, name: str) -> str | None:
        """Why a route can't be deleted by this name without harm; None where it can."""
        fault = route_fault(name)
        if fault:
            return fault[1]
        return _ALIKE if self._alike()[folded(name)] > 1 else None

    def _alike(self) -> Counter[str]:
        """How many names there will be that the PBX may take for one, once all routes of the file are looked for."""
        if self._folded is None:
            self._folded = Counter(map(folded, (*self.count, *self._new)))
            self._folded.subtract(map(folded, self._freed))
        return self._folded


_ALIKE = "another route's name differs only in case, and the PBX may delete both"
