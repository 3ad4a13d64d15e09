"""A PBX on loopback, for trying pbxsync out and for its tests.

It is built from the vendor's public API manual alone (UC Series IPPBX API documentation, v0.0.1) and imports nothing
else of pbxsync: a misunderstanding that the client and the sandbox shared would hide itself.

- ``bodies``: requests' and answers' bodies in JSON and XML;
- ``pbx``: the model: sessions, trunks, device info; its routes are in ``table``, and kept by ``held``;
- ``firmware``: what a firmware does that the manual does not say; ``storing`` and ``collation`` do it to texts;
- ``faults``: what can go wrong on purpose, and how that is written; ``delivery``: what it does to calls and answers;
- ``server``: HTTP;
- ``sandbox``: all of it together.
"""

from pbxsync.sandbox.errors import SandboxError
from pbxsync.sandbox.faults import Fault
from pbxsync.sandbox.firmware import Firmware
from pbxsync.sandbox.held import HeldRoute
from pbxsync.sandbox.pbx import ALL_CALLS
from pbxsync.sandbox.sandbox import Sandbox
from pbxsync.sandbox.server import Received

__all__ = ["ALL_CALLS", "Fault", "Firmware", "HeldRoute", "Received", "Sandbox", "SandboxError"]
