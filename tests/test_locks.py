"""One apply at a time, shown with real processes."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pbxsync import locks
from pbxsync.errors import LockHeld, SettingsError
from pbxsync.locks import folder, hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PBX, FILE = "https://192.0.2.10", "/srv/state.json"

# Holds the locks that it is given until its standard input ends; a line says when it has them.
HOLDER = """
import sys
from pbxsync.locks import hold
with hold(sys.argv[1:], 10):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    chosen = tmp_path / "locks"
    monkeypatch.setenv("PBXSYNC_LOCK_DIR", str(chosen))
    return chosen


@contextlib.contextmanager
def other_process(*things: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, *things], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_second_process_is_told_who_holds_the_lock_and_what_to_do() -> None:
    with other_process(PBX) as process:
        with pytest.raises(LockHeld) as caught, hold([PBX], 0):
            pass
        assert f"another pbxsync is at work on {PBX}: process {process.pid}, started by " in str(caught.value)
        assert "--lock-timeout" in str(caught.value)
        with hold([FILE], 0):
            pass


def test_the_second_process_waits_as_long_as_it_was_told_and_says_so() -> None:
    with other_process(PBX):
        started = time.monotonic()
        with pytest.raises(LockHeld, match=r"\(waited 0\.2 s\)"), hold([PBX], 0.2):
            pass
        assert time.monotonic() - started >= 0.2


def test_the_second_process_goes_on_once_the_first_gives_the_lock_back() -> None:
    with other_process(PBX) as process:
        assert process.stdin is not None
        timer = threading.Timer(0.1, process.stdin.close)
        timer.start()
        with hold([PBX], 10):
            assert process.wait(5) == 0
        timer.join()


def test_a_holder_that_is_killed_blocks_nobody() -> None:
    with other_process(PBX, FILE) as process:
        process.kill()
        process.wait(5)
        with hold([PBX, FILE], 5):
            pass


def test_two_that_want_the_same_two_locks_in_another_order_do_not_wait_for_each_other() -> None:
    done: list[int] = []

    def take(things: list[str]) -> None:
        for _ in range(20):
            with hold(things, 20):
                done.append(1)

    orders = ([PBX, FILE], [FILE, PBX], [PBX, FILE, PBX])
    threads = [threading.Thread(target=take, args=(order,), daemon=True) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(done) == 60


def test_two_of_one_process_exclude_each_other_too_and_the_lock_is_free_after_a_failure() -> None:
    def fail_while_it_is_held() -> None:
        with hold([PBX], 0):
            with pytest.raises(LockHeld, match=f"process {os.getpid()}"), hold([PBX], 0):
                pass
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_it_is_held()
    with hold([PBX], 0):
        pass


def test_if_the_second_of_two_locks_is_held_the_first_is_given_back() -> None:
    first, second = sorted([PBX, FILE])
    with hold([second], 0):
        with pytest.raises(LockHeld), hold([PBX, FILE], 0):
            pass
        with hold([first], 0):
            pass


def test_nothing_to_lock_is_no_lock(lock_folder: Path) -> None:
    with hold([], 0):
        assert not lock_folder.exists()


@pytest.mark.parametrize("thing", ["/srv/\udcff.json", "C:\\\ud800", "ä" * 5000])
def test_a_path_of_any_kind_can_be_locked(thing: str) -> None:
    with hold([thing], 0):
        pass


def test_a_holder_whose_note_cannot_be_read_or_written_still_holds_the_lock(lock_folder: Path) -> None:
    with hold([PBX], 0):
        (note,) = lock_folder.glob("*.holder")
        assert str(os.getpid()) in note.read_text(encoding="utf-8")
        for content in (b"\xff", None):
            note.unlink()
            if content is not None:
                note.write_bytes(content)
            with pytest.raises(LockHeld, match="a process that has not said who it is"), hold([PBX], 0):
                pass
    note.mkdir()
    with hold([PBX], 0), pytest.raises(LockHeld, match="has not said"), hold([PBX], 0):
        pass


def test_no_note_is_left_behind(lock_folder: Path) -> None:
    with hold([PBX, FILE], 0):
        assert len(list(lock_folder.glob("*.holder"))) == 2
    assert list(lock_folder.glob("*.holder")) == []


def test_a_folder_that_cannot_be_made_is_said_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PBXSYNC_LOCK_DIR", str(tmp_path / "file" / "locks"))
    with pytest.raises(
        SettingsError, match=r"no lock can be made there \(.+\); name another folder with PBXSYNC_LOCK_DIR"
    ):
        folder()


def test_a_folder_in_which_no_lock_can_be_made_is_said_with_the_way_out(lock_folder: Path) -> None:
    # A folder stands where the lock would lie: no permission is needed to show it, and root would have them all.
    with hold([PBX], 0):
        pass
    (lock,) = lock_folder.glob("*.lock")
    lock.unlink()
    lock.mkdir()
    with pytest.raises(SettingsError, match="no lock can be made there"), hold([PBX], 0):
        pass


def test_the_usual_folder_is_this_users_own_among_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PBXSYNC_LOCK_DIR")
    monkeypatch.setattr(locks, "TMP", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = folder()
    assert before.parent == tmp_path
    assert os.name == "nt" or stat.S_IMODE(before.stat().st_mode) == 0o700
    monkeypatch.setenv("LOGNAME", "../somebody")
    assert os.name == "nt" or folder() == before


@pytest.mark.skipif(os.name == "nt", reason="a temporary folder there is the user's own")
def test_a_link_that_somebody_laid_in_place_of_the_usual_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PBXSYNC_LOCK_DIR")
    monkeypatch.setattr(locks, "TMP", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    usual = folder()
    usual.rmdir()
    (tmp_path / "elsewhere").mkdir()
    usual.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="belongs to somebody else; name one with PBXSYNC_LOCK_DIR"):
        folder()


# --- links in a folder that others can write to ---


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of this user's that somebody wants overwritten or read."""
    file = tmp_path / "victim"
    file.write_text("precious", encoding="utf-8")
    return file


def place_of(ending: str, lock_folder: Path) -> Path:
    """Where the lock on PBX, or its note, is."""
    with hold([PBX], 0):
        (note,) = lock_folder.glob("*.holder")
    place = note.with_suffix(ending)
    place.unlink(missing_ok=True)
    return place


@pytest.mark.parametrize("ending", [".lock", ".holder"])
@pytest.mark.parametrize("hard", [False, True])
def test_a_link_in_the_place_of_a_lock_or_a_note_is_refused_and_its_target_left_alone(
    ending: str, hard: bool, lock_folder: Path, victim: Path
) -> None:
    place = place_of(ending, lock_folder)
    place.hardlink_to(victim) if hard else place.symlink_to(victim)
    with pytest.raises(SettingsError, match=re.escape(f"{place}: this is a link")), hold([PBX], 0):
        pass
    assert victim.read_text(encoding="utf-8") == "precious"
    assert os.path.lexists(place)
    with hold([FILE], 0):
        pass
    place.unlink()
    with hold([PBX], 0):
        pass


@pytest.mark.parametrize("ending", [".lock", ".holder"])
def test_a_link_to_nothing_is_refused_and_no_file_is_made_there(ending: str, lock_folder: Path, tmp_path: Path) -> None:
    place_of(ending, lock_folder).symlink_to(tmp_path / "made")
    with pytest.raises(SettingsError, match="this is a link"), hold([PBX], 0):
        pass
    assert not (tmp_path / "made").exists()


def test_a_link_that_is_made_right_after_the_look_is_not_followed(
    lock_folder: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, note = place_of(".lock", lock_folder), place_of(".holder", lock_folder)
    monkeypatch.setattr(locks, "_refuse_links", lambda *_paths: None)
    for place in (lock, note):
        place.unlink(missing_ok=True)
    note.symlink_to(victim)
    with hold([PBX], 0):
        assert not note.is_symlink()
        assert str(os.getpid()) in note.read_text(encoding="utf-8")
    lock.unlink(missing_ok=True)
    lock.symlink_to(victim)
    with pytest.raises(SettingsError, match="no lock can be made there"), hold([PBX], 0):
        pass
    assert victim.read_text(encoding="utf-8") == "precious"


def test_the_second_process_does_not_show_what_a_link_in_the_place_of_the_note_leads_to(
    lock_folder: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with other_process(PBX):
        (note,) = lock_folder.glob("*.holder")
        note.unlink()
        note.symlink_to(victim)
        with pytest.raises(SettingsError, match="this is a link"), hold([PBX], 0):
            pass
        monkeypatch.setattr(locks, "_refuse_links", lambda *_paths: None)
        with pytest.raises(LockHeld, match="a process that has not said who it is"), hold([PBX], 0):
            pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_the_note_is_not_waited_for(lock_folder: Path) -> None:
    with other_process(PBX):
        (note,) = lock_folder.glob("*.holder")
        note.unlink()
        os.mkfifo(note)
        with pytest.raises(LockHeld, match="a process that has not said who it is"), hold([PBX], 0):
            pass


@pytest.mark.parametrize(("name", "shown"), [("Ä\udcff", "started by Ä? at"), ("", "started by somebody at")])
def test_a_holder_without_a_name_or_with_one_that_is_no_text_holds_the_lock(
    name: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, name)
    with hold([PBX], 0), pytest.raises(LockHeld, match=re.escape(shown)), hold([PBX], 0):
        pass
