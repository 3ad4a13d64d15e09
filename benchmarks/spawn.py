"""Runs one command and says what it took.

A process of its own, and a small one: what a process held of memory at most begins, on Linux, with what the process
held that started it. So the benchmark, which is larger than some of what it measures, starts this with ``-I -S``, and
this starts the command.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Run what the first argument asks for, a JSON object, and print what it took as another."""
    order = json.loads(sys.argv[1])
    os.chdir(order["folder"])
    read, write = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, read, 0),
        (os.POSIX_SPAWN_OPEN, 1, order["out"], write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, order["err"], write, 0o600),
    ]
    begin = time.perf_counter()
    process = os.posix_spawn(order["argv"][0], order["argv"], order["environment"], file_actions=files)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begin
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "peak": peak, "code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main()
