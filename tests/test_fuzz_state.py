"""Any file at all as a state file: read, or refused in words; and what is refused is neither changed nor acted on."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.errors import StateError
from pbxsync.known_state import StateFile
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Route
from pbxsync.sandbox import Sandbox
from pbxsync.state_text import InRun, Sign, dump
from pbxsync.text import printable
from tests.cli.process import COMMAND, Ended, declare, numbered, pbxsync
from tests.in_process import inside, raw
from tests.share import examples
from tests.strategies import routes

if TYPE_CHECKING:
    from collections.abc import Iterator

# Any text that JSON can hold, lone halves of surrogate pairs too. Two halves in a row would be one character.
ODD = st.text(max_size=6) | st.sampled_from(["\ud800", "a\udfff", "\x00\x1f\x7f", "\u2028\x85", '"', "\ufeff", "all"])
ROUTES = routes() | st.builds(
    Route, ODD, ODD, st.lists(ODD, max_size=3).map(tuple), prefix=ODD, prepend=ODD, callerid=ODD
)
IDS = st.none() | ODD
CHANGES = st.one_of(
    st.builds(Change, st.just(Action.ADD), st.none(), ROUTES, id=st.none()),
    st.builds(Change, st.just(Action.UPDATE), ROUTES, ROUTES, id=IDS),
    st.builds(Change, st.just(Action.DELETE), ROUTES, st.none(), id=IDS),
)

#: What an edit may put where something else stood.
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    ODD,
    st.just([]),
    st.just({}),
    st.just(10**4000),
    st.builds(lambda depth: json.loads("[" * depth + "]" * depth), st.integers(1, 40)),
    st.dictionaries(st.sampled_from(["name", "id", "trunks", "url", "action", "before", "x"]), ODD, max_size=3),
)


class Place:
    """A folder with a routes file and room for a state file, and the PBX that both are of."""

    def __init__(self, folder: Path, pbx: Sandbox) -> None:
        self.pbx = pbx
        self.routes = declare(str(folder / "routes.yaml"), numbered(2), url=pbx.url)
        self.state = folder / "state.json"

    def commands(self) -> list[tuple[object, ...]]:
        """Each command that reads a state file."""
        state = ("--state", self.state)
        return [
            ("plan", *state, self.routes),
            ("plan", *state, "--prune", "--reorder", "--format", "json", self.routes),
            ("apply", *state, self.routes),
            ("resolve", *state, "--applied", "--", "r1"),
            ("refresh", *state),
            ("explain", *state, self.routes, "911"),
        ]

    def run(self, *arguments: object) -> Ended:
        return inside(*arguments, env={"PBXSYNC_TOKEN": "t"})

    def check(self, content: bytes) -> bool:
        """Whether the content is a state; every command that is given it answers, and one of which it isn't, in words.

        What a state file says decides what is sent, so one that can't be read must have nothing sent.
        """
        self.state.write_bytes(content)
        try:
            StateFile.read(self.state, pbx=self.pbx.url)
        except StateError as error:
            self.refused(content, str(error))
            return False
        for command in self.commands():
            self.state.write_bytes(content)
            done = self.run(*command)
            assert done.code in (0, 1, 3), (command, done)
            assert not raw(done.everything)
            if command[0] in ("plan", "explain"):
                assert self.state.read_bytes() == content
        return True

    def refused(self, content: bytes, reason: str) -> None:
        received = len(self.pbx.requests)
        for command in self.commands():
            done = self.run(*command)
            assert done.code == 1, (command, done)
            assert self.state.read_bytes() == content
            # Of another PBX is no fault to the two that ask the file which PBX it is of.
            if "of another PBX" not in reason:
                # Nor do they know the address that goes into the advice.
                told = printable(reason).removesuffix(f" --url {self.pbx.url}")
                assert f"pbxsync: {told}" in done.err.replace(f"{self.routes}: ", "")
            assert len(done.err.splitlines()) == 1
            assert not raw(done.everything)
        assert len(self.pbx.requests) == received


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Sandbox(tokens=["t"]) as pbx:
        yield Place(tmp_path_factory.mktemp("state"), pbx)


def states(url: str) -> st.SearchStrategy[str]:
    """State files as pbxsync writes them, some of a run that was cut off."""
    known = st.builds(
        KnownState,
        st.just(url),
        st.lists(st.builds(KnownRoute, ROUTES, IDS), max_size=3).map(tuple),
        doubts=st.lists(st.builds(Doubt, CHANGES, ODD), max_size=2).map(tuple),
    )
    run = st.lists(st.builds(InRun, CHANGES, st.sampled_from(Sign)), max_size=3)
    return st.builds(dump, known, run)


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands in a JSON document, but for the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in ((*before, key), *places(item, (*before, key)))]


def _edit(document: Any, at: tuple[Any, ...], edit: str, value: Any) -> None:
    """Take out, replace, add or double what stands at one place."""
    inner = document
    for key in at[:-1]:
        inner = inner[key]
    key = at[-1]
    if edit == "remove":
        del inner[key]
    elif edit == "replace":
        inner[key] = value
    elif isinstance(inner, list):
        inner.insert(key, inner[key] if edit == "double" else value)
    else:
        inner[f"{key}{value if isinstance(value, str) else ''}_"] = inner[key] if edit == "double" else value


@st.composite
def edited(draw: st.DrawFn, url: str) -> bytes:
    """A state file with a few edits by hand that leave it JSON."""
    document = json.loads(draw(states(url)))
    for _ in range(draw(st.integers(1, 3))):
        found = places(document)
        if found:
            edit = draw(st.sampled_from(["remove", "replace", "add", "double"]))
            _edit(document, draw(st.sampled_from(found)), edit, draw(VALUES))
    text = json.dumps(document, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    return text.encode("utf-8", "surrogatepass")


_PIECES = st.sampled_from(
    [b"", b"{", b"}", b"[", b"]", b",", b'"', b"\\", b"\\ud800", b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"null"]
)
_MERGE = (b"<<<<<<< HEAD\n", b"=======\n", b">>>>>>> theirs\n")


@st.composite
def damaged(draw: st.DrawFn, url: str) -> bytes:
    """A state file with pieces of it cut out, put in or doubled, or with the marks of a merge."""
    content = draw(states(url)).encode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 60)))
        piece = draw(st.one_of(_PIECES, st.binary(max_size=4), st.just(content[start:end] * 2)))
        content = content[:start] + piece + content[end:]
    if draw(st.booleans()):
        lines = content.splitlines(keepends=True) or [b""]
        cut = draw(st.integers(0, len(lines)))
        ours, theirs = b"".join(lines[cut : cut + 2]), b"".join(lines[cut : cut + 1])
        marked = [_MERGE[0], ours, _MERGE[1], theirs, _MERGE[2]]
        content = b"".join([*lines[:cut], *marked, *lines[cut + 2 :]])
    return content


@given(st.data())
@settings(max_examples=examples(100))
def test_every_command_answers_a_state_file_that_somebody_edited(place: Place, data: st.DataObject) -> None:
    place.check(data.draw(edited(place.pbx.url)))


@given(st.data())
@settings(max_examples=examples(60))
def test_every_command_answers_a_damaged_state_file(place: Place, data: st.DataObject) -> None:
    place.check(data.draw(damaged(place.pbx.url)))


@given(st.data())
@settings(max_examples=examples(30))
def test_every_command_answers_a_state_file_of_any_routes_and_doubts(place: Place, data: st.DataObject) -> None:
    assert place.check(data.draw(states(place.pbx.url)).encode())


@given(st.binary(max_size=100) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=examples(60))
def test_any_bytes_and_any_text_are_refused(place: Place, content: bytes) -> None:
    assert not place.check(content)


def state_text(url: str) -> str:
    one = Route("r1", "1001", ("a",))
    return dump(KnownState(url, (KnownRoute(one, "1"),), doubts=(Doubt(Change(Action.ADD, None, one), "reset"),)))


def edited_finds(text: str) -> dict[str, str]:
    """What people and programs do to a state file."""
    return {
        "a byte order mark": "\ufeff" + text,
        "marks of a merge": text.replace('  "doubts"', '<<<<<<< HEAD\n  "doubts"'),
        "NaN for an id": text.replace('"id": "1"', '"id": NaN'),
        "a number for an id": text.replace('"id": "1"', '"id": 1'),
        "a huge number for an id": text.replace('"id": "1"', f'"id": {"9" * 5000}'),
        "a huge exponent for an id": text.replace('"id": "1"', '"id": 1e999999999'),
        "deep nesting in a field": text.replace('"id": "1"', f'"id": {"[" * 100_000}'),
        "nesting a little too deep": text.replace('"id": "1"', f'"id": "1", "x": {"[" * 98}{"]" * 98}'),
        "deep nesting in a new field": text.replace('"id": "1"', f'"id": "1", "x": {"[" * 5000}{"]" * 5000}'),
        "half a character": text.replace('"r1"', '"\\ud800'),
        "two documents": text * 2,
        "a comment": "// state\n" + text,
        "a comma too many": text.replace('"id": "1"}', '"id": "1"},'),
        "an empty file": "",
        "a zero byte": "\x00",
        "a list": f"[{text}]",
    }


@pytest.mark.parametrize("find", edited_finds(""))
def test_what_people_and_programs_do_to_a_state_file_is_refused(place: Place, find: str) -> None:
    assert not place.check(edited_finds(state_text(place.pbx.url))[find].encode())


def test_a_key_given_twice_is_refused_since_one_of_them_would_be_forgotten(place: Place) -> None:
    text = state_text(place.pbx.url)
    assert not place.check(text.replace('"id": "1"', '"id": "1", "id": "2"').encode())
    # A merge can leave two lists of what is in doubt. To believe the empty one would be to send an add twice.
    assert not place.check((text.rstrip().removesuffix("}") + ', "doubts": []}').encode())


def test_a_state_file_of_100_mb_of_spaces_is_refused(place: Place) -> None:
    with place.state.open("wb") as file:
        file.truncate(0)
        for _ in range(100):
            file.write(b" " * 1_000_000)
    received = len(place.pbx.requests)
    done = place.run("apply", "--state", place.state, place.routes)
    assert done.code == 1
    assert len(done.err) < 1000
    assert place.state.stat().st_size == 100_000_000
    assert len(place.pbx.requests) == received
    place.state.unlink()


# --- as a process: what is no file, and what would take a process down ---


def limited(*arguments: object) -> Ended:
    """Run pbxsync with little memory, which a file without end would fill; one that hangs fails the test."""
    limit = f"resource.setrlimit({resource.RLIMIT_AS}, (1 << 30,) * 2)"
    guard = f"import os, resource, sys; {limit}; os.execv(sys.argv[1], sys.argv[1:])"
    return pbxsync(*arguments, command=(COMMAND[0], "-S", "-c", guard, *COMMAND), env={"PBXSYNC_TOKEN": "t"})


def all_commands(folder: Path, state: Path, pbx: Sandbox) -> list[Ended]:
    """Each command that reads a state file, as a process."""
    there = Place(folder, pbx)
    there.state = state
    return [limited(*command) for command in there.commands()]


def test_what_is_no_file_is_refused_by_every_command_in_one_line(tmp_path: Path) -> None:
    loop = tmp_path / "loop.json"
    loop.symlink_to(tmp_path / "back.json")
    (tmp_path / "back.json").symlink_to(loop)
    (tmp_path / "folder").mkdir()
    with Sandbox(tokens=["t"]) as pbx:
        Place(tmp_path, pbx)
        for state in (loop, Path("/dev/null"), tmp_path / "routes.yaml" / "state.json"):
            for done in all_commands(tmp_path, state, pbx):
                assert done.code == 1, (state, done)
                assert len(done.err.splitlines()) == 1, (state, done)
                assert "Traceback" not in done.everything
        assert pbx.connections == 0
    assert loop.is_symlink()


def test_a_file_without_end_is_refused_by_every_command_in_one_line(tmp_path: Path) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        for done in all_commands(tmp_path, Path("/dev/zero"), pbx):
            assert done.code == 1, done
            assert "pbxsync: " in done.err
            assert "/dev/zero: " in done.err
            assert len(done.err.splitlines()) == 1
            assert "Traceback" not in done.everything
        assert pbx.connections == 0


def test_a_pipe_is_refused_by_every_command_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.json")
    with Sandbox(tokens=["t"]) as pbx:
        for done in all_commands(tmp_path, tmp_path / "state.json", pbx):
            assert done.code == 1, done
            assert "state.json: the state file can't be read: it is a pipe, not a regular file\n" in done.err
            assert len(done.err.splitlines()) == 1
        assert pbx.connections == 0
    assert (tmp_path / "state.json").is_fifo()


@pytest.mark.parametrize(
    "find", ["deep nesting in a field", "nesting a little too deep", "a huge number for an id", "half a character"]
)
def test_the_command_answers_the_worst_finds_without_a_traceback(tmp_path: Path, find: str) -> None:
    with Sandbox(tokens=["t"]) as pbx:
        content = edited_finds(state_text(pbx.url))[find].encode()
        (tmp_path / "state.json").write_bytes(content)
        for done in all_commands(tmp_path, tmp_path / "state.json", pbx):
            assert done.code == 1
            assert len(done.err.splitlines()) == 1
            assert done.out == "" or done.json["errors"]
        assert pbx.connections == 0
    assert (tmp_path / "state.json").read_bytes() == content
