"""pbxsync keeps a PBX's outbound routes in Git: declare, review, plan and apply them.

Programs may import from here what ``__all__`` lists; it is on the page ``docs/python.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pbxsync.dialplan.table import Decision, RouteTable
    from pbxsync.errors import InputError
    from pbxsync.loading import load
    from pbxsync.model import Route

__all__ = ["Decision", "InputError", "Route", "RouteTable", "load"]
__version__ = "0.1.0"

_MODULES = {
    "Decision": "pbxsync.dialplan.table",
    "InputError": "pbxsync.errors",
    "Route": "pbxsync.model",
    "RouteTable": "pbxsync.dialplan.table",
    "load": "pbxsync.loading",
}

# Each is loaded when it is first asked for: a command line that only shows its version needs none of it. A type checker
# doesn't see this, so that to it a name which is not above is an error.
if not TYPE_CHECKING:  # pragma: no branch

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
