"""pbxsync as a process of its own: run to its end, watched while it runs, or on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from pbxsync.sandbox import Sandbox

#: How long anything may take before a test gives up: a CI machine may be slow, but it isn't hung.
PATIENCE = 60.0

COMMAND = (sys.executable, "-m", "pbxsync")

# Makes the terminal at standard input the process's own, so that Ctrl-C typed there reaches it.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)

# What would change colours and progress bars, whoever runs the tests.
_OF_THE_CALLER = ("FORCE_COLOR", "NO_COLOR", "PYTHONUNBUFFERED", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output; anything beside it fails the test."""
        return json.loads(self.out)

    @property
    def everything(self) -> str:
        """Both streams, for what may be in neither."""
        return self.out + self.err


def environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    """This process's variables with the settings over them."""
    own = {name: value for name, value in os.environ.items() if name not in _OF_THE_CALLER}
    return {**own, "PYTHONUTF8": "1", **(settings or {})}


def pbxsync(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    command: Sequence[str] = COMMAND,
) -> Ended:
    """Run pbxsync in the current folder to its end."""
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env=environment(env),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, _text(done.stdout), _text(done.stderr))


def to(pbx: Sandbox, **more: str) -> dict[str, str]:
    """The variables that lead to this PBX with the token ``t``."""
    return {"PBXSYNC_URL": pbx.url, "PBXSYNC_TOKEN": "t", **more}


def calls(pbx: Sandbox) -> list[str]:
    """The calls that the PBX received, in their order."""
    return [request.call for request in pbx.requests]


def names(pbx: Sandbox) -> list[str]:
    """The names of the PBX's routes in its order."""
    return [route["name"] for route in pbx.routes()]


def route(name: str, matchpattern: str = "X.", trunks: Iterable[str] = ("a",), **more: str) -> dict[str, Any]:
    """A route as a file declares it."""
    return {"name": name, "matchpattern": matchpattern, "trunks": list(trunks), **more}


def numbered(count: int) -> list[dict[str, Any]]:
    """So many routes, r1 and on."""
    return [route(f"r{n}", str(1000 + n)) for n in range(1, count + 1)]


def stored(*routes: Mapping[str, Any]) -> list[dict[str, str]]:
    """Routes as a sandbox takes them to begin with."""
    return [{**one, "trunks": ",".join(one["trunks"])} for one in routes]


def declare(path: str, routes: Iterable[Mapping[str, Any]], **pbx: Any) -> Path:
    """Write a routes file (as JSON, which is YAML) with a ``pbx`` section of these keys; without those that are None.

    Its PBX has no hidden fields, unless it says something else.
    """
    file = Path(path)
    section = {"pbx": {key: value for key, value in {"hidden_fields": "none", **pbx}.items() if value is not None}}
    file.write_text(json.dumps({**section, "routes": list(routes)}, indent=1, ensure_ascii=False), encoding="utf-8")
    return file


def _text(data: bytes) -> str:
    return data.decode().replace("\r\n", "\n")


class Running:
    """A pbxsync that runs while the test goes on; the end of the ``with`` block ends it."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._changed = threading.Condition()
        self._data = {"out": b"", "err": b""}
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("out", self._process.stdout), ("err", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: Any) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            with self._changed:
                self._data[name] += chunk
                self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def wait_for(self, text: str, stream: str = "out") -> str:
        """Wait until the text stands on the stream; all that stands there by then."""
        with self._changed:
            there = self._changed.wait_for(lambda: text.encode() in self._data[stream], PATIENCE)
            assert there, f"{text!r} never came; out: {self._data['out']!r}, err: {self._data['err']!r}"
            return _text(self._data[stream])

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def ended(self) -> Ended:
        """Wait for the end."""
        code = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return Ended(code, _text(self._data["out"]), _text(self._data["err"]))


class OnTerminal:
    """A pbxsync whose standard input, output and error are one terminal.

    ``out`` and ``err`` may be files that take the place of the terminal there.
    """

    def __init__(
        self,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        out: Path | None = None,
        err: Path | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        import pty

        self._master, slave = pty.openpty()
        with contextlib.ExitStack() as files:
            streams = [files.enter_context(path.open("wb")) if path else slave for path in (out, err)]
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-c", _TAKE_TERMINAL, *command, *map(str, arguments)],
                env=environment({"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40", **(env or {})}),
                stdin=slave,
                stdout=streams[0],
                stderr=streams[1],
                start_new_session=True,
            )
        os.close(slave)
        self._screen = b""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # A terminal that nobody has open any more is an error to read on Linux, and an end of file elsewhere.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._master, 65536):
                with self._changed:
                    self._screen += chunk
                    self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        os.close(self._master)

    def wait_for(self, text: str) -> None:
        """Wait until the text was written to the terminal."""
        with self._changed:
            there = self._changed.wait_for(lambda: text.encode() in self._screen, PATIENCE)
            assert there, f"{text!r} never came: {self._screen!r}"

    def type(self, keys: str) -> None:
        """Type the keys; ``\\x03`` is Ctrl-C."""
        os.write(self._master, keys.encode())

    def ended(self) -> Ended:
        """Wait for the end; ``out`` is all that was written to the terminal."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return Ended(code, _text(self._screen), "")


def received(pbx: Sandbox, count: int, call: str | None = None) -> None:
    """Wait until the PBX has received so many requests, of one call if that is given."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if len([one for one in calls(pbx) if call in (one, None)]) >= count:
            return
        waiting.wait(0.02)
    raise AssertionError(f"only {calls(pbx)} came")


def stand_still(pbx: Sandbox) -> None:
    """Wait until the PBX has received nothing for a second."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE)):
        before = len(pbx.requests)
        waiting.wait(1)
        if len(pbx.requests) == before:
            return
    raise AssertionError("requests go on coming")


def ended_without_reader(*arguments: object, env: Mapping[str, str], read_to: str) -> tuple[int, str]:
    """Run pbxsync, stop reading its standard output behind a line that holds a text; its exit code and its errors."""
    run = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with run:
        assert run.stdout is not None
        assert run.stderr is not None
        while read_to.encode() not in (line := run.stdout.readline()):
            assert line, f"{read_to!r} never came"
        run.stdout.close()
        err = _text(run.stderr.read())
        return run.wait(PATIENCE), err
