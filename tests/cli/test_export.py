"""`pbxsync export`: the PBX's routes as a file that plans to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import calls, names, route, stored, to
from tests.in_process import inside as pbxsync

ODD = [
    "plain",
    "déjà vu — 東京",
    "with \"quotes\" and 'others'",
    "back\\slash",
    "colon: hash # in it",
    "- dash",
    "*star",
    "&and",
    "!bang",
    "two  spaces inside",
    "☎️ 🚑",
    "0123",
    "12:30",
    "yes",
    "null",
    "~",
    "{curly}",
    "[square]",
    "@at",
    "`tick`",
    "%percent",
    "| pipe",
    "> more",
    "? what",
    "=",
    "<<",
    "ALL of them",
]


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_an_export_plans_to_nothing_and_is_the_same_each_time(kind: str) -> None:
    routes = [route(name, "011" if n % 2 else "[2-9]XX.", [name, "a"], prefix="00") for n, name in enumerate(ODD)]
    routes += [route("with all fields", "*X!", ["a"], prefix="00", prepend="yes", callerid="'20X\"")]
    with Sandbox(tokens=["t"], routes=stored(*routes)) as pbx:
        env = to(pbx, PBXSYNC_TYPE=kind)
        first = pbxsync("export", env=env)
        assert (first.code, first.err) == (0, "")
        assert pbxsync("export", env=env).out == first.out
        Path("routes.yaml").write_text(first.out, encoding="utf-8")
        assert pbxsync("validate", "routes.yaml").code == 0
        planned = pbxsync("plan", "routes.yaml", "--prune", "--detailed-exitcode", env=env)
        assert planned.code == 0, planned.out
        assert f"Nothing to do: {len(routes)} unchanged, 0 unmanaged.\n" in planned.out


def test_what_no_file_can_declare_is_left_out_and_never_deleted() -> None:
    routes = [
        route("first"),
        route("all"),
        route("All"),
        route("with, comma"),
        route("twice", "1"),
        route("twice", "2"),
        route("no-trunk", trunks=[]),
        route("no-pattern", ""),
        route("bell\x07"),
        route(" outer "),
        route("callerid", callerid="2\x1b[31m1"),
        route("trunk", trunks=[" "]),
        route("last"),
    ]
    with Sandbox(tokens=["t"], routes=stored(*routes)) as pbx:
        done = pbxsync("export", env=to(pbx))
        assert done.code == 0
        Path("routes.yaml").write_text(done.out, encoding="utf-8")
        assert pbxsync("validate", "routes.yaml").code == 0
        planned = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env=to(pbx))
        assert planned.code == 0
        assert '  unmanaged, left as they are: all, All, "with, comma", twice, ' in planned.out
        assert "Nothing to do: 2 unchanged, 10 unmanaged." in planned.out

        applied = pbxsync("apply", "routes.yaml", "--prune", env=to(pbx))
        kept = {"first", "all", "All", "with, comma", "twice", "bell\x07", " outer ", "last"}
        assert kept <= set(names(pbx))
        deleted = [request.fields["name"] for request in pbx.requests if request.call == "outroute/delete"]
        assert not kept & set(deleted)
    assert names(pbx).count("twice") == 2
    for name in ("all", "All", "with, comma", "twice", "no-trunk", "no-pattern", "bell\\x07", "callerid", "trunk"):
        assert f'pbxsync: warning: "{name}" is left out: ' in done.err
    assert done.err.count("is left out") == 10
    assert done.out.count("\n  # left out: ") == 11
    assert "all is not deleted: " in applied.out
    assert not {"\x07", "\x1b"} & set(done.everything + planned.everything + applied.everything)


def test_an_empty_pbx_gives_a_file_without_routes() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("export", env=to(pbx))
        assert done.code == 0
        assert done.out.endswith("routes: []\n")
        Path("routes.yaml").write_text(done.out, encoding="utf-8")
        assert pbxsync("plan", "routes.yaml", "--prune", env=to(pbx)).code == 0


def test_an_export_to_a_file_leaves_standard_output_empty_and_names_the_pbx() -> None:
    with Sandbox(tokens=["t"], routes=stored(route("r1"))) as pbx:
        done = pbxsync("export", "-o", "routes.yaml", env=to(pbx))
        assert (done.code, done.out, done.err) == (0, "", "routes.yaml: 1 route written.\n")
        assert f'  url: "{pbx.url}"\n' in Path("routes.yaml").read_text(encoding="utf-8")
        planned = pbxsync("plan", "routes.yaml", "--detailed-exitcode", env={"PBXSYNC_TOKEN": "t"})
        assert planned.code == 0


def test_an_export_to_where_nothing_can_be_written_says_so() -> None:
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("export", "-o", "missing/routes.yaml", env=to(pbx))
    assert (done.code, done.out) == (1, "")
    assert "routes.yaml: can't be written: No such file or directory" in done.err


def test_an_export_that_is_redirected_is_utf_8_whatever_the_terminal_would_take() -> None:
    with Sandbox(tokens=["t"], routes=stored(route("Zürich"))) as pbx:
        done = pbxsync("export", env=to(pbx, PYTHONUTF8="0", PYTHONIOENCODING="latin-1"))
    assert done.code == 0
    assert '  - name: "Zürich"\n' in done.out


def test_firmware_that_cannot_be_asked_is_exported_by_nobody() -> None:
    with Sandbox(tokens=["t"], calls={"outroute/add"}) as pbx:
        done = pbxsync("export", env=to(pbx))
        assert calls(pbx) == ["outroute/query"]
    assert (done.code, done.out) == (1, "")
    assert "the firmware does not support this call" in done.err
