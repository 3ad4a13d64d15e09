"""A process that has loaded pbxsync, and forks a child for each command line that is asked of it.

A child begins where a new process would be once it has imported everything. `tests.cli.forked` starts this process and
speaks to it over a socket. It has a single thread, for a fork copies no other.

A child can be followed step by step, and killed at any of them. Its steps are where its main thread enters and leaves
the system (ptrace), or, where no process may be traced, where Python calls what does input or output.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import mmap
import os
import pkgutil
import posix
import runpy
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType

assert sys.platform == "linux"

#: The longest message, in bytes: it holds the arguments and the environment of a command line.
MOST = 1 << 18

# What pbxsync imports only where it needs it, besides its own modules.
_LATER = (
    "deepdiff",
    "encodings.idna",
    "encodings.utf_8_sig",
    "httpcore",
    "jsonschema",
    "rich.console",
    "rich.progress",
    "rich.text",
    "urllib.request",
)

# The modules that do Python's input and output.
_SYSTEM = frozenset({"_io", "_socket", "_ssl", "fcntl", "io", "posix", "select"})

# From linux/ptrace.h.
_TRACEME, _SYSCALL, _SETOPTIONS = 0, 24, 0x4200
_TRACESYSGOOD, _EXITKILL = 1, 1 << 20
_AT_A_CALL = signal.SIGTRAP | 0x80

_COUNT = struct.Struct("q")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def serve(number: int) -> None:
    """Run what is asked for on the socket of this number, until its other end is closed."""
    _load()
    traced = _may_trace()
    with socket.socket(fileno=number) as asked:
        while True:
            data, streams, _, _ = socket.recv_fds(asked, MOST, 3)
            if not data:
                # No ordinary end: where coverage is measured, that would write one more file once all are read.
                signal.raise_signal(signal.SIGKILL)
            wanted = json.loads(data)
            if wanted["follow"] == "system" and not traced:
                wanted["follow"] = "calls"
            code, steps = _ended(wanted, asked, streams)
            asked.send(json.dumps({"code": code, "steps": steps, "follow": wanted["follow"]}).encode())


def _load() -> None:
    import pbxsync
    from pbxsync import cli
    from tests.waits import shorten

    main = cli.main
    for module in pkgutil.walk_packages(pbxsync.__path__, "pbxsync."):
        if module.name != "pbxsync.__main__" and not module.name.startswith("pbxsync.sandbox"):
            importlib.import_module(module.name)
    vars(cli)["main"] = main  # the module of that name took its place
    shorten(setattr)
    for name in _LATER:
        importlib.import_module(name)
    assert threading.active_count() == 1, threading.enumerate()
    # What is loaded stays; a child that doesn't look through it for garbage doesn't copy it either.
    gc.collect()
    gc.freeze()


def _ended(wanted: Mapping[str, Any], asked: socket.socket, streams: Sequence[int]) -> tuple[int, int]:
    """Fork a child for a command line and wait for its end: its exit code, and how many steps it took."""
    processors = os.sched_getaffinity(0)
    if wanted["follow"] == "system":
        # On one processor a step takes a twentieth of the time that it takes on two.
        os.sched_setaffinity(0, {sorted(processors)[os.getpid() % len(processors)]})
    with mmap.mmap(-1, _COUNT.size) as counter:
        child = os.fork()
        if child == 0:
            asked.close()
            _run(wanted, streams, counter)
        for stream in streams:
            os.close(stream)
        if wanted["follow"] == "system":
            status, steps = _stepped(child, wanted["kill_at"])
        else:
            _, status = os.waitpid(child, 0)
            [steps] = _COUNT.unpack(counter[:])
    os.sched_setaffinity(0, processors)
    return os.waitstatus_to_exitcode(status), steps


# --- the child ------------------------------------------------------------------------------------------------------


def _run(wanted: Mapping[str, Any], streams: Sequence[int], counter: mmap.mmap) -> NoReturn:
    """Become what a new process would be, run pbxsync as ``python -m pbxsync`` does, and exit as Python does."""
    signal.alarm(wanted["patience"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = _stream(0, "r", "surrogateescape")
    sys.stdout = _stream(1, "w", "surrogateescape")
    sys.stderr = _stream(2, "w", "backslashreplace")
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.argv[1:] = wanted["arguments"]
    if wanted["follow"]:
        _stop_measuring()
    if wanted["follow"] == "system":
        _ptrace(_TRACEME, 0)
        signal.raise_signal(signal.SIGSTOP)
    elif wanted["follow"] == "calls":
        sys.setprofile(_Calls(wanted["kill_at"], counter))
    code = _exit_code()
    sys.setprofile(None)
    (posix._exit if wanted["follow"] else os._exit)(code)


def _stream(number: int, mode: str, errors: str) -> Any:
    return open(number, mode, encoding="utf-8", errors=errors, closefd=False)


def _exit_code() -> int:
    """Run pbxsync to its end: to where an interpreter that ends has waited for threads and written what is left."""
    code: object = 0
    try:
        runpy.run_module("pbxsync", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # as the interpreter does with what nobody catches
        traceback.print_exc()
        code = 1
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    if not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120
    return code & 0xFF


def _stop_measuring() -> None:
    """Leave this child out of the coverage: what is killed can't write down what it ran, and shall take no steps to."""
    if coverage := sys.modules.get("coverage"):
        measured = coverage.Coverage.current()
        if measured is not None:
            measured.stop()


class _Calls:
    """A profile function that counts calls of what does input or output, and kills this process before one of them."""

    def __init__(self, kill_at: int, counter: mmap.mmap) -> None:
        self._kill_at = kill_at
        self._counter = counter
        self._steps = 0

    def __call__(self, _frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or not _of_the_system(called):
            return
        self._steps += 1
        _COUNT.pack_into(self._counter, 0, self._steps)
        if self._steps == self._kill_at:
            signal.raise_signal(signal.SIGKILL)


def _of_the_system(called: Any) -> bool:
    owner = getattr(called, "__self__", None)
    return called.__module__ in _SYSTEM or any(kind.__module__ in _SYSTEM for kind in type(owner).__mro__)


# --- its parent -----------------------------------------------------------------------------------------------------


def _stepped(child: int, kill_at: int) -> tuple[int, int]:
    """Let a child that waits to be traced go on from step to step: its wait status, and how many steps it took."""
    steps = signal_number = 0
    _, status = os.waitpid(child, 0)
    if os.WIFSTOPPED(status):
        _ptrace(_SETOPTIONS, child, _TRACESYSGOOD | _EXITKILL)
    while os.WIFSTOPPED(status):
        _ptrace(_SYSCALL, child, signal_number)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            break
        signal_number = os.WSTOPSIG(status)
        if signal_number == _AT_A_CALL:
            signal_number = 0
            steps += 1
            if steps == kill_at:
                # It never comes to the call that it is about to make, nor, behind one, back to its own work.
                os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
    return status, steps


def _ptrace(request: int, process: int, data: int = 0) -> None:
    if _libc.ptrace(request, process, None, data or None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _may_trace() -> bool:
    """Whether a process may be traced here: containers and hardened systems forbid it."""
    child = os.fork()
    if child == 0:
        try:
            _ptrace(_TRACEME, 0)
            signal.raise_signal(signal.SIGSTOP)
            os.getppid()
        finally:
            posix._exit(0)
    try:
        return _stepped(child, 0)[1] > 0
    except OSError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False
