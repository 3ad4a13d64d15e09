"""pbxsync as a process that is forked with all that it imports loaded, followed step by step, and killed at any.

A process with a single thread does the forking, see `tests.cli.zygote`: this one has threads, and those get no copy.
It is started with the first command line that is followed, and ends with this process.
"""

from __future__ import annotations

import atexit
import json
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tests.cli.process import PATIENCE, Ended, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

# -P keeps folders of this project off the path, so that pbxsync is the one that is installed, as for a process.
_BEGINNING = "import sys; sys.path.append(sys.argv[1]); from tests.cli.zygote import serve; serve(int(sys.argv.pop()))"
_PROJECT = Path(__file__).parents[2]

#: What the steps of a process are: where it enters and leaves the system, or its calls of what does input or output.
Follow: TypeAlias = Literal["system", "calls"]


@dataclass(frozen=True, slots=True)
class Followed:
    """A process that was followed: what it left behind, how many steps it took, and what these were."""

    ended: Ended
    steps: int
    follow: Follow

    @property
    def killed(self) -> bool:
        """Whether it was killed; if not, it came to its end before the step at which it was to be."""
        return self.ended.code == -signal.SIGKILL


def followed(
    *arguments: object, env: Mapping[str, str] | None = None, kill_at: int = 0, follow: Follow = "system"
) -> Followed:
    """Run pbxsync step by step, and kill it at one of the steps, counted from 1; with 0 it comes to its end.

    Its steps are its calls where the system lets no process be traced.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        wanted = {
            "arguments": [str(argument) for argument in arguments],
            "environment": environment(env),
            "folder": str(Path.cwd()),
            "follow": follow,
            "kill_at": kill_at,
            "patience": int(PATIENCE),
        }
        answer = _zygote().ask(wanted, [given.fileno(), out.fileno(), err.fileno()])
        assert answer["code"] != -signal.SIGALRM, f"{wanted['arguments']} did not end within {PATIENCE:g} s"
        ended = Ended(answer["code"], *(_text(stream) for stream in (out, err)))
    return Followed(ended, answer["steps"], answer["follow"])


def _text(stream: Any) -> str:
    stream.seek(0)
    text: str = stream.read().decode()
    return text


class _Zygote:
    """The process that forks, and the socket that leads to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(2 * PATIENCE)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _BEGINNING, str(_PROJECT), str(number)],
                env=environment(None),
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                start_new_session=True,  # Ctrl-C is for the one that runs the tests, and ends this one with it
            )

    def ask(self, wanted: Mapping[str, Any], streams: list[int]) -> Any:
        """Have a command line run with these standard streams; what became of it."""
        socket.send_fds(self._socket, [json.dumps(wanted).encode()], streams)
        answer = self._socket.recv(4096)
        assert answer, "the process that forks has ended"
        return json.loads(answer)

    def end(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(PATIENCE)


_started: list[_Zygote] = []


def _zygote() -> _Zygote:
    if not _started:
        _started.append(_Zygote())
        atexit.register(_started[0].end)
    return _started[0]
