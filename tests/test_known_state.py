"""The state file: written whole, read without trust, and never in two minds about what is in doubt."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxsync.errors import StateError
from pbxsync.known_state import StateFile, with_changes
from pbxsync.model import Action, Change, Doubt, KnownRoute, KnownState, Route
from pbxsync.state_text import InRun, Sign, dump, parse
from pbxsync.whole_file import write_whole
from tests.share import examples
from tests.strategies import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL = "https://192.0.2.10"
A, B, C = (Route(name, "X.", ("t1", "t2"), prefix="9") for name in "abc")
ADD = Change(Action.ADD, None, C)
UPDATE = Change(Action.UPDATE, A, Route("a", "1", ("t1",)), id="1")
RENAME = Change(Action.UPDATE, A, Route("z", "X.", ("t1", "t2"), prefix="9"), id="1")
DELETE = Change(Action.DELETE, B, None, id="2")
KNOWN = (KnownRoute(A, "1"), KnownRoute(B, "2"))

# Any text that JSON can hold, lone halves of surrogate pairs too. Two halves in a row would be one character.
ODD = st.text(max_size=8) | st.sampled_from(
    ["\ud800", "a\udfff", "\x00\x1f\x7f", "\u2028\u2029\x85", "\\u0041", '"', "\ufeff"]
)
ODD_ROUTES = st.builds(Route, ODD, ODD, st.lists(ODD, max_size=3).map(tuple), prefix=ODD, prepend=ODD, callerid=ODD)
ANY_ROUTES = routes() | ODD_ROUTES
IDS = st.none() | ODD
CHANGES = st.one_of(
    st.builds(Change, st.just(Action.ADD), st.none(), ANY_ROUTES, id=st.none()),
    st.builds(Change, st.just(Action.UPDATE), ANY_ROUTES, ANY_ROUTES, id=IDS),
    st.builds(Change, st.just(Action.DELETE), ANY_ROUTES, st.none(), id=IDS),
)
STATES = st.builds(
    KnownState,
    st.just(URL) | ODD,
    st.lists(st.builds(KnownRoute, ANY_ROUTES, IDS), max_size=4).map(tuple),
    doubts=st.lists(st.builds(Doubt, CHANGES, ODD), max_size=2).map(tuple),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.fixture
def file(path: Path) -> Iterator[StateFile]:
    state = StateFile.read(path, pbx=URL, init=True)
    state.write(KnownState(URL, KNOWN, str(path)))
    yield state
    state.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all examples of a property."""
    return tmp_path_factory.mktemp("state") / "state.json"


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((Path(__file__).parent.parent / "schema" / "state.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def again(path: Path, pbx: str | None = URL) -> KnownState:
    return StateFile.read(path, pbx=pbx).state


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(StateError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what a change makes of the known routes ---


def test_an_added_route_stands_behind_those_that_exist_and_has_no_id_yet() -> None:
    assert with_changes(KNOWN, [ADD]) == (*KNOWN, KnownRoute(C))


def test_an_updated_or_renamed_route_keeps_its_id_and_its_place() -> None:
    assert UPDATE.after is not None
    assert RENAME.after is not None
    assert with_changes(KNOWN, [UPDATE]) == (KnownRoute(UPDATE.after, "1"), KNOWN[1])
    assert with_changes(KNOWN, [RENAME]) == (KnownRoute(RENAME.after, "1"), KNOWN[1])


def test_a_deleted_route_is_gone_and_the_others_stay() -> None:
    assert with_changes(KNOWN, [DELETE]) == KNOWN[:1]


def test_of_two_routes_of_one_name_only_the_one_with_the_id_is_meant() -> None:
    doubled = (*KNOWN, KnownRoute(B, "3"))
    assert with_changes(doubled, [DELETE]) == (KNOWN[0], KnownRoute(B, "3"))


def test_a_change_of_a_route_that_is_not_known_changes_nothing() -> None:
    assert with_changes(KNOWN, [Change(Action.DELETE, C, None, id="1")]) == KNOWN
    assert with_changes(KNOWN, [Change(Action.UPDATE, C, A, id="1"), UPDATE]) == with_changes(KNOWN, [UPDATE])


def test_a_route_alone_of_its_name_is_deleted_by_it_whatever_id_is_known_of_it() -> None:
    for known_as in ("77", None):
        assert with_changes(KNOWN, [Change(Action.DELETE, B, None, id=known_as)]) == KNOWN[:1]


def test_a_route_is_updated_by_its_id_or_by_whatever_id_where_none_is_recorded_of_it() -> None:
    for known_as in ("77", None):
        update = Change(Action.UPDATE, B, C, id=known_as)
        assert with_changes(KNOWN, [update]) == KNOWN
        assert with_changes((KNOWN[0], KnownRoute(B)), [update]) == (KNOWN[0], KnownRoute(C))


def test_of_two_routes_of_one_name_none_is_meant_by_an_id_that_neither_has() -> None:
    doubled = (*KNOWN, KnownRoute(B, "3"))
    assert with_changes(doubled, [Change(Action.DELETE, B, None, id="77")]) == doubled
    assert with_changes(doubled, [Change(Action.DELETE, B, None)]) == doubled


def test_a_copy_that_was_added_takes_the_name_of_its_route_where_it_stands() -> None:
    copy = replace(A, name="a~pbxsync")
    add, delete = Change(Action.ADD, None, copy), Change(Action.DELETE, A, None, id="1")
    for known_as in (None, "3"):
        # Nobody may know its id when the rename is planned, and when it is sent the PBX has told it.
        rename = Change(Action.UPDATE, copy, A, id=known_as)
        assert with_changes(KNOWN, [add, delete, rename]) == (KNOWN[1], KnownRoute(A))
        there = (*KNOWN, KnownRoute(copy, known_as))
        assert with_changes(there, [delete, rename]) == (KNOWN[1], KnownRoute(A, known_as))


def test_changes_follow_a_route_under_the_name_that_it_has_by_then() -> None:
    assert RENAME.after is not None
    again = Change(Action.UPDATE, RENAME.after, C, id="1")
    assert with_changes(KNOWN, [RENAME, again]) == (KnownRoute(C, "1"), KNOWN[1])
    assert with_changes(KNOWN, [RENAME, again, Change(Action.DELETE, C, None, id="1")]) == KNOWN[1:]
    # The old name is free: a change of it is one of a route that is not there.
    assert with_changes(KNOWN, [RENAME, UPDATE]) == (KnownRoute(RENAME.after, "1"), KNOWN[1])


def test_what_is_added_behind_a_route_that_was_deleted_stands_at_the_end_whatever_its_name() -> None:
    add = Change(Action.ADD, None, A)
    assert with_changes(KNOWN, [Change(Action.DELETE, A, None, id="1"), add]) == (KNOWN[1], KnownRoute(A))


# --- written and read again ---


@given(STATES)
def test_what_is_written_is_read_again_and_fits_the_schema(
    shared: Path, validator: jsonschema.Draft202012Validator, state: KnownState
) -> None:
    StateFile(shared, state).write(state)
    read = again(shared, state.pbx)
    assert (read.pbx, read.routes, read.doubts, read.source) == (state.pbx, state.routes, state.doubts, str(shared))
    validator.validate(json.loads(shared.read_text(encoding="utf-8")))
    assert dump(read) == dump(state) == shared.read_bytes().decode()


def test_the_file_has_a_line_for_each_route_and_is_always_the_same(path: Path, file: StateFile) -> None:
    file.doubt(ADD, "reset")
    assert path.read_bytes().decode().splitlines() == [
        "{",
        '  "format_version": "1.0",',
        f'  "pbx": {{"url": "{URL}"}},',
        '  "routes": [',
        '    {"name": "a", "prefix": "9", "matchpattern": "X.", "prepend": "", "callerid": "", "trunks": ["t1", "t2"], '
        '"id": "1"},',
        '    {"name": "b", "prefix": "9", "matchpattern": "X.", "prepend": "", "callerid": "", "trunks": ["t1", "t2"], '
        '"id": "2"}',
        "  ],",
        '  "doubts": [',
        '    {"action": "add", "id": null, "before": null, "after": {"name": "c", "prefix": "9", "matchpattern": "X.", '
        '"prepend": "", "callerid": "", "trunks": ["t1", "t2"]}, "reason": "reset"}',
        "  ]",
        "}",
    ]


def test_an_empty_state_is_short_and_readable() -> None:
    assert '"routes": [],\n  "doubts": []\n}' in dump(KnownState(URL, ()))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permission bits")
def test_only_its_owner_may_read_the_file_whatever_the_file_before_allowed(path: Path, file: StateFile) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o666)
    file.write(file.state)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link_and_the_file_that_it_leads_to_is_written(tmp_path: Path, file: StateFile) -> None:
    link = tmp_path / "link.json"
    link.symlink_to("state.json")
    StateFile.read(link, pbx=URL).settle(ADD, applied=True)
    assert link.is_symlink()
    assert again(file.path).routes[-1].route == C


def test_no_temporary_file_is_left_behind(tmp_path: Path, file: StateFile) -> None:
    file.begin([ADD])
    file.sending(ADD)
    file.settle(ADD, applied=True)
    file.end()
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_write_that_fails_before_the_rename_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "old.txt"
    write_whole(file, "old\n")
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "new \ud800")
    assert file.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["old.txt"]


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r".+"):
        write_whole(tmp_path / "folder", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_file_that_cannot_be_written_is_said_and_neither_it_nor_the_state_changes(file: StateFile) -> None:
    before, text = file.state, file.path.read_bytes()
    gone = StateFile(file.path.parent / "no such folder" / "state.json", before)
    message = refusal(lambda: gone.begin([ADD]))
    assert "the state file can't be written: No such file or directory; nothing in it changed" in message
    assert gone.state == before
    assert file.path.read_bytes() == text


# --- which file ---


def test_a_missing_file_is_an_error_that_says_how_to_begin(path: Path) -> None:
    message = refusal(lambda: StateFile.read(path, pbx=URL))
    assert message.startswith(
        f"{path}: there is no such state file; record one with: pbxsync refresh --state {path} --url {URL};"
    )
    assert "--init" in message


def test_of_a_sandbox_a_missing_file_is_begun_with_the_sandbox(path: Path) -> None:
    assert f"refresh --state {path} --sandbox;" in refusal(lambda: StateFile.read(path, pbx="sandbox:.pbxsync/a.json"))


def test_a_file_that_is_read_only_is_not_replaced(path: Path, file: StateFile) -> None:
    path.chmod(0o444)
    before = path.read_bytes()
    assert "the state file can't be written: it is read-only" in refusal(lambda: file.write(KnownState(URL, ())))
    assert path.read_bytes() == before


def test_with_init_a_missing_file_is_an_empty_state_that_is_written_with_the_first_change(path: Path) -> None:
    file = StateFile.read(path, pbx=URL, init=True)
    assert file.state == KnownState(URL, (), str(path))
    assert not path.exists()
    file.begin([ADD])
    assert again(path) == file.state
    file.close()


def test_with_init_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_done(path: Path) -> None:
    gone = path.parent / "no such folder" / "state.json"
    message = refusal(lambda: StateFile.read(gone, pbx=URL, init=True))
    assert message == f"{gone}: the folder for the state file doesn't exist; make it first"


def test_init_does_not_forget_a_file_that_is_there(path: Path, file: StateFile) -> None:
    assert StateFile.read(path, pbx=URL, init=True).state.routes == KNOWN


@pytest.mark.parametrize("init", [False, True])
def test_another_pbxs_file_is_refused_with_both_addresses(path: Path, file: StateFile, init: bool) -> None:
    message = refusal(lambda: StateFile.read(path, pbx="https://192.0.2.11", init=init))
    assert f"it belongs to {URL}, the routes are for https://192.0.2.11" in message
    assert again(path, None).pbx == URL


def test_an_address_that_was_written_by_hand_is_that_of_the_same_pbx(path: Path) -> None:
    for written in (
        "https://192.0.2.10/",
        "HTTPS://192.0.2.10:443",
        "https://192.0.2.10/.",
        "https://[::ffff:192.0.2.10]",
        "http://192.0.2.10",
    ):
        path.write_text(dump(KnownState(written, KNOWN)), encoding="utf-8")
        assert again(path).routes == KNOWN
    for other in ("nonsense", "https://192.0.2.11", "https://192.0.2.10:8443", "https://192.0.2.10/branch"):
        path.write_text(dump(KnownState(other, KNOWN)), encoding="utf-8")
        assert "of another PBX" in refusal(lambda: again(path))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "the state file can't be read: " in refusal(lambda: StateFile.read(tmp_path, pbx=URL))


@pytest.mark.parametrize("version", ["2.0", "0.9", "", "10.0", "nonsense" * 100])
def test_a_file_of_another_version_is_refused_and_not_rewritten(path: Path, file: StateFile, version: str) -> None:
    path.write_text(path.read_text().replace('"1.0"', json.dumps(version)))
    assert f"its format_version is {version[:20]}, this pbxsync reads 1.0" in refusal(lambda: again(path))


def test_a_file_of_a_later_minor_version_is_read(path: Path, file: StateFile) -> None:
    value = json.loads(path.read_text())
    value |= {"format_version": "1.7", "added_later": 1}
    path.write_text(json.dumps(value))
    assert again(path).routes == KNOWN


def test_a_file_cut_short_anywhere_is_refused(path: Path, file: StateFile) -> None:
    text = path.read_bytes().rstrip()
    for length in range(len(text)):
        path.write_bytes(text[:length])
        message = refusal(lambda: again(path))
        assert f"pbxsync refresh --state {path}" in message


CONFLICT = "<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\xef\xbb\xbf{}", CONFLICT.encode(), b"[" * 100_000, b"9" * 5000])
def test_what_is_no_state_file_at_all_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "not a state file" in refusal(lambda: again(path))


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands in a JSON document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(place for key, item in items for place in places(item, (*before, key)))]


def edited(text: str, place: tuple[Any, ...], value: Any) -> str:
    """The document with another value at one place; without what stands there if the value is missing (`...`)."""
    if not place:
        return json.dumps(value) if value is not ... else ""
    document = json.loads(text)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return json.dumps(document)


EXAMPLE = dump(
    KnownState(URL, KNOWN, doubts=(Doubt(ADD, "reset"), Doubt(UPDATE, "reset"), Doubt(DELETE, "reset"))),
)
PLACES = places(json.loads(EXAMPLE))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)) or "all")
def test_no_edit_by_hand_is_read_that_does_not_fit_the_schema(
    path: Path, validator: jsonschema.Draft202012Validator, place: tuple[Any, ...]
) -> None:
    refused: list[str] = []
    for value in (..., None, True, 7, "text", [], {}, [7], {"a": 1}):
        path.write_text(edited(EXAMPLE, place, value))
        try:
            state = again(path, None)
        except StateError as error:
            refused.append(str(error))
        else:
            validator.validate(json.loads(dump(state)))
    assert len(refused) >= 5
    assert all(f"pbxsync refresh --state {path}" in message for message in refused)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("routes", 1, "name"), ..., "routes[1].name is missing"),
        (("routes", 1, "name"), 16, "routes[1].name is int, which it can't be"),
        (("routes", 0, "trunks"), "a,b", "routes[0].trunks is str, which it can't be"),
        (("routes", 0, "trunks", 1), 7, "routes[0].trunks holds something that is no text"),
        (("routes", 0, "id"), 1, "routes[0].id is int, which it can't be"),
        (("routes",), {}, "routes is dict, which it can't be"),
        (("pbx", "url"), None, "pbx.url is NoneType, which it can't be"),
        (("doubts", 0, "action"), "move", "doubts[0].action is none of add, update, delete"),
        (("doubts", 0, "action"), "", "doubts[0].action is none of add, update, delete"),
        (("doubts", 0, "after"), None, "doubts[0] does not say what it adds"),
        (("doubts", 1, "before"), None, "doubts[1] does not say what it updates"),
        (("doubts", 2, "after"), {}, "doubts[2] does not say what it deletes"),
        (("doubts", 2, "before", "prefix"), ..., "doubts[2].before.prefix is missing"),
        (("doubts", 2, "reason"), 3, "doubts[2].reason is int"),
    ],
)
def test_a_refusal_says_where_the_edit_is(path: Path, place: tuple[Any, ...], value: Any, said: str) -> None:
    path.write_text(edited(EXAMPLE, place, value))
    assert said in refusal(lambda: again(path))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_state_or_a_state_error(shared: Path, content: bytes) -> None:
    shared.write_bytes(content)
    assert refusal(lambda: again(shared, None))


@given(st.data())
@settings(max_examples=examples(200))
def test_a_file_with_bytes_cut_out_or_put_in_is_a_state_or_a_state_error(shared: Path, data: st.DataObject) -> None:
    content = EXAMPLE.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 40)))
        content = content[:start] + data.draw(st.binary(max_size=3)) + content[end:]
    shared.write_bytes(content)
    try:
        state = again(shared, None)
    except StateError:
        return
    StateFile(shared, state).write(state)
    assert again(shared, None) == state


# --- doubts ---


@pytest.mark.parametrize("change", [ADD, UPDATE, RENAME, DELETE])
@pytest.mark.parametrize("applied", [True, False])
def test_a_change_is_in_doubt_from_before_it_is_sent_until_it_is_settled(
    path: Path, file: StateFile, change: Change, applied: bool
) -> None:
    file.begin([change])
    assert again(path).doubts == ()
    file.sending(change)
    (doubt,) = again(path).doubts
    assert doubt.change == change
    assert doubt.reason == "it was sent, and what became of it was not recorded"
    assert again(path).routes == KNOWN
    file.settle(change, applied=applied)
    assert again(path) == file.state
    assert file.state.doubts == ()
    assert file.state.routes == (with_changes(KNOWN, [change]) if applied else KNOWN)


def test_a_doubt_takes_the_place_of_the_note_that_it_was_being_sent(path: Path, file: StateFile) -> None:
    file.begin([ADD])
    file.sending(ADD)
    file.doubt(ADD, "reset")
    assert [doubt.reason for doubt in again(path).doubts] == ["reset"]


@given(ANY_ROUTES, ANY_ROUTES, IDS, st.booleans())
def test_a_doubt_that_was_read_back_from_the_file_can_be_settled(
    shared: Path, before: Route, after: Route, id: str | None, applied: bool
) -> None:
    known = (KnownRoute(before, id),)
    for change in (
        Change(Action.ADD, None, after),
        Change(Action.UPDATE, before, after, id=id),
        Change(Action.DELETE, before, None, id=id),
    ):
        first = StateFile(shared, KnownState(URL, known, str(shared)))
        first.begin([change])
        first.sending(change)
        first.doubt(change, "reset")
        second = StateFile.read(shared, pbx=URL)
        second.settle(second.state.doubts[0].change, applied=applied)
        assert again(shared).doubts == ()
        # An add of a name that is recorded already is not recorded a second time.
        doubled = change.before is None and after.name == before.name
        assert again(shared).routes == (with_changes(known, [change]) if applied and not doubled else known)


def test_one_doubt_is_settled_and_the_others_stay(path: Path, file: StateFile) -> None:
    for change in (ADD, UPDATE, DELETE):
        file.doubt(change, "reset")
    StateFile.read(path, pbx=URL).settle(UPDATE, applied=True)
    assert [doubt.change for doubt in again(path).doubts] == [ADD, DELETE]


# --- a run, whose outcomes are signs in the file ---

RUN = (ADD, UPDATE, DELETE, Change(Action.ADD, None, replace(C, name="ü\u2028\n")))
#: What becomes of each change of RUN: nobody knows of the third, the fourth is not sent.
BECAME = (True, False, None)


def go(file: StateFile, became: tuple[bool | None, ...] = BECAME) -> None:
    """Send the changes of the run one after the other, as far as something became of them."""
    for change, applied in zip(RUN, became, strict=False):
        file.sending(change)
        if applied is not None:
            file.settle(change, applied=applied)


def test_a_run_is_in_the_file_before_it_begins_and_fits_the_schema(
    path: Path, file: StateFile, validator: jsonschema.Draft202012Validator
) -> None:
    file.begin(RUN)
    document = json.loads(path.read_text(encoding="utf-8"))
    validator.validate(document)
    assert [one["outcome"] for one in document["run"]] == ["-"] * 4
    assert [(one["before"] or one["after"])["name"] for one in document["run"]] == ["c", "a", "b", "ü\u2028\n"]
    assert again(path) == file.state == KnownState(URL, KNOWN, str(path))


def test_only_a_sign_changes_in_the_file_whatever_becomes_of_a_change(
    path: Path, file: StateFile, validator: jsonschema.Draft202012Validator
) -> None:
    file.begin(RUN)
    before, inode = path.read_bytes(), path.stat().st_ino
    go(file)
    after = path.read_bytes()
    assert path.stat().st_ino == inode
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        (ord("-"), ord(sign)) for sign in "+x?"
    ]
    validator.validate(json.loads(after))


def test_a_run_that_is_cut_off_anywhere_is_read_as_far_as_it_got(path: Path, file: StateFile) -> None:
    file.begin(RUN)
    held = [again(path)]
    for change, applied in zip(RUN, BECAME, strict=False):
        file.sending(change)
        held.append(again(path))
        if applied is not None:
            file.settle(change, applied=applied)
            held.append(again(path))
    assert [[doubt.change for doubt in state.doubts] for state in held] == [[], [ADD], [], [UPDATE], [], [DELETE]]
    assert {doubt.reason for state in held for doubt in state.doubts} == {
        "it was sent, and what became of it was not recorded"
    }
    assert [len(state.routes) for state in held] == [2, 2, 3, 3, 3, 3]
    assert again(path) == file.state


@pytest.mark.parametrize("routes", [None, (KnownRoute(C, "7"),)])
def test_the_end_of_a_run_leaves_a_file_without_one(
    path: Path, file: StateFile, routes: tuple[KnownRoute, ...] | None
) -> None:
    file.begin(RUN)
    go(file)
    before = file.state
    file.end(routes)
    assert '"run"' not in path.read_text(encoding="utf-8")
    assert again(path) == file.state == replace(before, routes=routes or before.routes)
    assert [doubt.change for doubt in file.state.doubts] == [DELETE]


def test_a_file_without_a_run_is_not_written_at_the_end_of_one(path: Path, file: StateFile) -> None:
    inode = path.stat().st_ino
    file.end()
    assert path.stat().st_ino == inode


def test_a_run_that_was_cut_off_is_resolved_like_any_doubt_and_leaves_no_run(path: Path, file: StateFile) -> None:
    file.begin(RUN)
    go(file)
    StateFile.read(path, pbx=URL).settle(DELETE, applied=True)
    assert '"run"' not in path.read_text(encoding="utf-8")
    assert again(path).doubts == ()
    assert [known.route.name for known in again(path).routes] == ["a", "c"]


def test_a_run_that_begins_anew_keeps_what_is_settled_and_takes_what_the_pbx_tells(path: Path, file: StateFile) -> None:
    file.begin(RUN)
    go(file, (True,))
    told = (*KNOWN, KnownRoute(C, "3"))
    file.begin(RUN[1:], told)
    assert again(path) == file.state == KnownState(URL, told, str(path))
    file.sending(UPDATE)
    file.settle(UPDATE, applied=True)
    assert again(path).routes == with_changes(told, [UPDATE])


def test_nothing_is_sent_but_what_the_run_has_next(file: StateFile) -> None:
    with pytest.raises(ValueError, match="not what the run was to send next"):
        file.sending(ADD)
    file.begin(RUN)
    for change in (UPDATE, ADD):
        file.sending(ADD) if change is ADD else None
        with pytest.raises(ValueError, match="not what the run was to send next"):
            file.sending(change)


def replaced(path: Path) -> None:
    """What an editor, or a checkout, does to a file."""
    write_whole(path, path.read_text(encoding="utf-8"))


def overwritten(path: Path) -> None:
    """What an editor does that keeps the file itself."""
    path.write_text(dump(KnownState(URL, KNOWN)), encoding="utf-8")


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (replaced, "somebody else has written the state file while this apply was at work; it stays as they left it"),
        (
            overwritten,
            "somebody else has written the state file while this apply was at work; it stays as they left it",
        ),
        (Path.unlink, "what became of a change can't be recorded: No such file or directory"),
    ],
)
def test_nothing_is_sent_once_somebody_else_wrote_the_file(
    path: Path, file: StateFile, meanwhile: Callable[[Path], None], said: str
) -> None:
    file.begin(RUN)
    go(file, (True,))
    meanwhile(path)
    before = path.read_bytes() if path.exists() else None
    assert refusal(lambda: file.sending(UPDATE)).startswith(f"{path}: {said}")
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("meanwhile", [replaced, overwritten])
def test_what_somebody_else_wrote_is_left_at_the_end_too(
    path: Path, file: StateFile, meanwhile: Callable[[Path], None]
) -> None:
    file.begin(RUN)
    go(file, (True,))
    meanwhile(path)
    before = path.read_bytes()
    refusal(lambda: file.sending(UPDATE))
    file.end(KNOWN)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("outcome", "said"), [("~", "is none of - ? + x"), (1, "is int, which it can't be")])
def test_a_sign_that_is_none_is_refused(path: Path, file: StateFile, outcome: object, said: str) -> None:
    file.begin(RUN)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["run"][2]["outcome"] = outcome
    path.write_text(json.dumps(document), encoding="utf-8")
    assert f"run[2].outcome {said}" in refusal(lambda: again(path))


def test_what_was_sent_is_in_doubt_in_a_file_that_somebody_else_took_away(path: Path, file: StateFile) -> None:
    file.begin(RUN)
    file.sending(ADD)
    path.unlink()
    refusal(lambda: file.settle(ADD, applied=True))
    assert [doubt.change for doubt in file.state.doubts] == [ADD]
    file.end()
    assert [doubt.change for doubt in again(path).doubts] == [ADD]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_a_doubt_whose_reason_cannot_be_written_is_a_doubt(path: Path, file: StateFile) -> None:
    import resource

    file.begin(RUN)
    file.sending(ADD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))  # as on a full disk, no file grows any more
    try:
        file.doubt(ADD, "reset")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [doubt.change for doubt in again(path).doubts] == [ADD]


@given(st.lists(CHANGES, max_size=4), st.integers(0, 4), STATES)
def test_any_run_is_read_again_as_it_was_written(
    shared: Path, changes: list[Change], sent: int, state: KnownState
) -> None:
    run = [InRun(change, Sign.APPLIED if n < sent else Sign.WAITING) for n, change in enumerate(changes)]
    assert parse(dump(state, run), state.source) == (state, tuple(run))
    file = StateFile(shared, state)
    file.begin(changes)
    for change in changes[:sent]:
        file.sending(change)
        file.settle(change, applied=True)
    file.close()
    assert shared.read_text(encoding="utf-8") == dump(state, run)


PLANS = tuple(f"{number:064x}" for number in range(20))


def test_a_plan_is_recorded_once_however_often_its_run_is_written(path: Path) -> None:
    file = StateFile(path, KnownState(URL, KNOWN))
    file.note_plan("f" * 64)
    file.begin([ADD, DELETE])
    file.begin([ADD, DELETE], KNOWN)
    assert StateFile.read(path, pbx=URL).state.applied_plans == ("f" * 64,)
    file.close()


def test_a_plan_of_which_nothing_was_carried_out_leaves_the_recorded_ones_as_they_were(path: Path) -> None:
    file = StateFile(path, KnownState(URL, KNOWN, applied_plans=PLANS))
    file.note_plan("f" * 64)
    file.begin([ADD, DELETE])
    assert StateFile.read(path, pbx=URL).state.applied_plans == (*PLANS[1:], "f" * 64)
    file.sending(ADD)
    file.settle(ADD, applied=False)
    file.end()
    assert StateFile.read(path, pbx=URL).state.applied_plans == PLANS


def test_a_plan_stays_recorded_where_only_the_first_part_of_its_run_was_carried_out(path: Path) -> None:
    file = StateFile(path, KnownState(URL, KNOWN))
    file.note_plan("f" * 64)
    file.begin([ADD, DELETE])
    file.sending(ADD)
    file.settle(ADD, applied=True)
    file.begin([DELETE], (*KNOWN, KnownRoute(C, "3")))  # as a reorder does once it has looked at the PBX
    file.sending(DELETE)
    file.settle(DELETE, applied=False)
    file.end()
    assert StateFile.read(path, pbx=URL).state.applied_plans == ("f" * 64,)
