"""The least that somebody would write by hand, to compare pbxsync with: a process each, with nothing but its loop.

``drain FILE STATE`` goes through libyaml's events of a routes file and loads a state file. ``httpx FILE`` adds routes
over one `httpx.Client`. ``sockets FILE`` does for each PBX what pbxsync does there, a query, the adds, a query, over
raw sockets, with a thread for each PBX. FILE is JSON: the ``urls`` of the PBXs and the ``routes`` for each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

ADD = "/api/v0.0.1/outroute/add?token=t&type=json"
QUERY = "/api/v0.0.1/outroute/query?token=t&type=json"


def drain(file: str, state: str) -> None:
    """Every event of the file, and the whole state, and nothing done with them."""
    from yaml import CSafeLoader, StreamEndEvent

    loader = CSafeLoader(Path(file).read_bytes())
    while not isinstance(loader.get_event(), StreamEndEvent):
        pass
    with Path(state).open(encoding="utf-8") as opened:
        json.load(opened)


def over_httpx(file: str) -> None:
    """One add after the other."""
    import httpx

    order = json.loads(Path(file).read_bytes())
    with httpx.Client() as client:
        for route in order["routes"]:
            answer = client.post(order["urls"][0] + ADD, json=route)
            if answer.json()["status"] != "Success":
                sys.exit(answer.text)


def over_sockets(file: str) -> None:
    """One add after the other at each PBX, all PBXs side by side."""
    from concurrent.futures import ThreadPoolExecutor

    order = json.loads(Path(file).read_bytes())
    bodies = [(ADD, json.dumps(route).encode()) for route in order["routes"]]
    query = (QUERY, b'{"name": "all"}')
    with ThreadPoolExecutor(len(order["urls"])) as threads:
        list(threads.map(lambda url: exchange(url, [query, *bodies, query]), order["urls"]))


def exchange(url: str, requests: list[tuple[str, bytes]]) -> None:
    """Send the requests over one connection, each once the one before is answered."""
    import socket

    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for target, body in requests:
            head = f"POST {target} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
            line.sendall(head.encode() + body)
            if b'"status": "Success"' not in answer_of(line):
                raise SystemExit("refused")


def answer_of(line: socket.socket) -> bytes:
    """The body of one answer."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += received(line)
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.split(b"Content-Length: ", 1)[1].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += received(line)
    return body


def received(line: socket.socket) -> bytes:
    """What comes next."""
    data = line.recv(65536)
    if not data:
        raise SystemExit("the server hung up")
    return data


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    if mode == "drain":
        drain(*arguments)
    elif mode == "httpx":
        over_httpx(*arguments)
    else:
        over_sockets(*arguments)
