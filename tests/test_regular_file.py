"""Regular files are read; all else is refused at once, in words."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from pbxsync.regular_file import open_regular, read_regular
from tests.cli.process import PATIENCE

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these kinds of files nor these paths")


def refusal(path: Path) -> str:
    """What the refusal says; a wait for a writer would end in no answer at all."""
    said: list[str | None] = []

    def read() -> None:
        try:
            read_regular(path, 100)
        except OSError as error:
            said.append(error.strerror)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PATIENCE)
    assert not reader.is_alive(), "it waits"
    assert said
    return str(said[0])


def test_a_file_is_read_up_to_the_limit_and_beyond_it_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\n" * 10)
    assert read_regular(path, 30) == b"a\r\n" * 10
    assert refusal(path.with_name("none")) == "No such file or directory"
    with pytest.raises(OSError, match="it is larger than 29 bytes"):
        read_regular(path, 29)
    with path.open("wb") as sparse:
        sparse.truncate((1 << 20) + 1)
    with pytest.raises(OSError, match="it is larger than 1 MiB"):
        read_regular(path, 1 << 20)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"x"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "it is a folder, not a regular file"


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(linked: bool, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    if linked:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    assert refusal(path) == "it is a pipe, not a regular file"


@posix
def test_a_pipe_with_a_writer_is_refused_and_nothing_is_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as both:
        both.write(b"meant for another")
        assert refusal(path) == "it is a pipe, not a regular file"
        assert both.read(100) == b"meant for another"


@posix
def test_a_socket_and_devices_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket has no room for a long path
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind("socket")
        assert refusal(Path("socket")) == "it is a socket, not a regular file"
    for device in ("/dev/null", "/dev/zero", "/dev/tty"):
        assert refusal(Path(device)) == "it is a device, not a regular file"


@posix
def test_a_pipe_that_takes_the_place_of_a_file_after_the_first_look_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    looked = os.stat(path)  # noqa: PTH116 - kept from before the exchange
    path.unlink()
    os.mkfifo(path)
    closed: list[int] = []
    close = os.close

    def counted(handle: int) -> None:
        closed.append(handle)
        close(handle)

    monkeypatch.setattr(Path, "stat", lambda _self: looked)
    monkeypatch.setattr(os, "close", counted)
    assert refusal(path) == "it is a pipe, not a regular file"
    assert len(closed) == 1


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_name_that_no_file_has_is_refused_with_a_reason(name: str) -> None:
    assert refusal(Path(name)) == "its name holds a character that no file name has"
