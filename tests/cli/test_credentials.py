"""Where pbxsync takes a PBX's credentials from, what it does when they fail, and that it shows none of them."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.process import COMMAND, calls, declare, names, numbered, to
from tests.cli.process import pbxsync as as_process
from tests.in_process import inside as pbxsync

PASSWORD = "correct-horse"
USER = {"PBXSYNC_USERNAME": "admin", "PBXSYNC_PASSWORD": PASSWORD}


def secret_parts(*secrets: str) -> list[str]:
    return [*secrets, *(hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest() for secret in secrets)]


def test_a_login_that_is_refused_is_sent_once() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(password="another") as pbx:
        done = pbxsync("apply", "routes.yaml", "--url", pbx.url, env=USER)
        assert calls(pbx) == ["login"]
    assert done.code == 1
    assert "pbxsync: routes.yaml: login: the PBX refused it (errno 30003: login refused)" in done.err
    assert "Check user name and password" in done.err


def test_an_address_that_is_locked_out_is_told_so() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(password=PASSWORD, faults=["login@*=refuse:20002"]) as pbx:
        done = pbxsync("plan", "routes.yaml", "--url", pbx.url, env=USER)
        assert calls(pbx) == ["login"]
    assert done.code == 1
    assert "this address is locked out after wrong passwords" in done.err


def test_a_token_that_dies_half_way_is_renewed_where_there_are_credentials() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(password=PASSWORD, faults=["outroute/add@2=token"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--url", pbx.url, env=USER)
        assert done.code == 0, done.err
        assert calls(pbx).count("login") == 2
        assert names(pbx) == ["r1", "r2", "r3"]


def test_a_token_that_dies_half_way_is_a_failure_where_there_are_none() -> None:
    declare("routes.yaml", numbered(3))
    with Sandbox(tokens=["t"], faults=["outroute/add@2=token"]) as pbx:
        done = pbxsync("apply", "routes.yaml", env=to(pbx))
        assert names(pbx) == ["r1"]
    assert done.code == 1
    assert "add r2 failed: outroute/add: the PBX refused it (errno 20004, may mean: no such token)" in done.err


def test_the_token_may_stand_in_a_file() -> None:
    declare("routes.yaml", numbered(1))
    Path("token").write_text("from-the-file\n", encoding="utf-8")
    with Sandbox(tokens=["from-the-file"]) as pbx:
        done = pbxsync("apply", "routes.yaml", "--url", pbx.url, env={"PBXSYNC_TOKEN_FILE": "token"})
        assert done.code == 0, done.err
        assert {request.token for request in pbx.requests} == {"from-the-file"}


def test_the_name_of_the_pbx_picks_its_own_token() -> None:
    declare("routes.yaml", numbered(1), name="hq")
    with Sandbox(tokens=["t-hq"]) as pbx:
        env = {"PBXSYNC_TOKEN_HQ": "t-hq", "PBXSYNC_TOKEN": "of-another"}
        done = pbxsync("plan", "routes.yaml", "--url", pbx.url, env=env)
        assert done.code == 0, done.err
        assert [request.token for request in pbx.requests] == ["t-hq"]
    assert f"routes.yaml → {pbx.url} (hq), live\n" in done.out


def test_without_credentials_nothing_is_sent_and_the_variables_are_named() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox() as pbx:
        done = pbxsync("apply", "routes.yaml", "--url", pbx.url)
        assert pbx.connections == 0
    assert done.code == 1
    for variable in ("PBXSYNC_TOKEN", "PBXSYNC_TOKEN_FILE", "PBXSYNC_USERNAME", "PBXSYNC_PASSWORD"):
        assert variable in done.err


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("fault", ["outroute/add@2=refuse", "outroute/add@2=html", "*@1=reset"])
def test_no_secret_is_shown_however_verbose_the_run_and_whatever_fails(fault: str, output: str) -> None:
    declare("routes.yaml", numbered(3))
    token = "0a1b2c3d4e5f-token"
    with Sandbox(password=PASSWORD, tokens=[token], faults=[fault, "outroute/query@2-=token"]) as pbx:
        env = {**USER, "PBXSYNC_TOKEN": token, "PBXSYNC_URL": pbx.url}
        done = pbxsync("apply", "routes.yaml", "-vv", "--format", output, env=env)
        issued = [request.token for request in pbx.requests if request.token]
        assert "login" in calls(pbx)
    assert "outroute/query: HTTP 200" in done.err
    assert issued
    assert [part for part in secret_parts(PASSWORD, *issued) if part in done.everything] == []


def test_each_call_is_told_on_standard_error_where_that_is_wanted() -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", "-v", env=to(pbx))
    assert done.err.startswith("outroute/query: HTTP 200, ")
    assert "sent:" not in done.err
    assert "outroute/query" not in done.out


# --- the address that credentials are for ---


@pytest.mark.parametrize("command", ["plan", "apply", "ping", "export", "refresh"])
def test_to_another_address_than_that_of_the_credentials_nothing_is_sent(command: str) -> None:
    declare("routes.yaml", numbered(1))
    arguments = {
        "plan": ("routes.yaml",),
        "apply": ("routes.yaml", "--yes"),
        "export": (),
        "refresh": ("--state", "state.json"),
    }
    with Sandbox(tokens=["t"]) as own, Sandbox(tokens=["t"]) as other:
        env = to(other, PBXSYNC_TOKEN_URL=own.url)
        done = pbxsync(command, *arguments.get(command, ()), env=env)
        assert own.connections == other.connections == 0
        allowed = pbxsync(command, *arguments.get(command, ()), env={**env, "PBXSYNC_URL": f"{own.url}/."})
        assert allowed.code == 0, allowed.err
    assert done.code == 1
    assert f"PBXSYNC_TOKEN_URL: the credentials are for {own.url}, and --url, " in done.err
    assert f" names {other.url}, so nothing is sent" in done.err


def test_no_file_can_lead_credentials_elsewhere_by_its_address_or_its_name() -> None:
    with Sandbox(tokens=["t-hq", "t"]) as own, Sandbox() as thief:
        env = {
            "PBXSYNC_TOKEN": "t",
            "PBXSYNC_TOKEN_URL": own.url,
            "PBXSYNC_TOKEN_HQ": "t-hq",
            "PBXSYNC_TOKEN_URL_HQ": own.url,
        }
        for name in (None, "hq", "other"):
            for url in (thief.url, thief.url.replace("127.0.0.1", "localhost"), f"{thief.url}/."):
                declare("routes.yaml", numbered(1), url=url, **({"name": name} if name else {}))
                assert pbxsync("plan", "routes.yaml", env=env).code == 1
                assert pbxsync("apply", "--yes", "routes.yaml", env=env).code == 1
        assert thief.connections == 0
        declare("routes.yaml", numbered(1), url=own.url, name="hq")
        assert pbxsync("plan", "routes.yaml", env=env).code == 0
        assert [request.token for request in own.requests] == ["t-hq"]


def test_a_pbx_whose_credentials_are_for_another_address_keeps_no_other_from_being_planned() -> None:
    with Sandbox(tokens=["t"]) as own, Sandbox() as other:
        declare("a.yaml", numbered(1), url=own.url)
        declare("b.yaml", numbered(1), url=other.url)
        done = pbxsync("plan", "a.yaml", "b.yaml", env={"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": own.url})
        assert other.connections == 0
    assert done.code == 1
    assert "pbxsync: b.yaml: PBXSYNC_TOKEN_URL: the credentials are for " in done.err
    assert "a.yaml → " in done.out


def test_an_embedded_sandbox_has_credentials_of_its_own() -> None:
    declare("routes.yaml", numbered(1))
    done = pbxsync("apply", "--yes", "--sandbox", "routes.yaml", env={"PBXSYNC_TOKEN_URL": "https://192.0.2.10"})
    assert done.code == 0, done.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize(
    "script",
    [
        'PBXSYNC_TOKEN_FILE=<(printf "t\\n") exec "$@"',
        'printf "t\\r\\n" | PBXSYNC_TOKEN_FILE=/dev/stdin "$@"',
        'PBXSYNC_TOKEN_FILE=/dev/fd/7 exec "$@" 7< <(sleep 0.2; printf t)',
        'PBXSYNC_TOKEN_FILE=/dev/stdin exec "$@" <token',
    ],
)
def test_a_secret_may_come_from_a_pipe_of_the_shell_for_several_pbxs_too(script: str) -> None:
    Path("token").write_text("t\n", encoding="utf-8")
    with Sandbox(tokens=["t"]) as one, Sandbox(tokens=["t"]) as two:
        declare("a.yaml", numbered(1), url=one.url)
        declare("b.yaml", numbered(1), url=two.url)
        done = as_process("plan", "a.yaml", "b.yaml", command=("bash", "-c", script, "bash", *COMMAND))
        assert done.code == 0, done.err
        assert {request.token for pbx in (one, two) for request in pbx.requests} == {"t"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_named_pipe_for_a_secret_is_refused_and_not_waited_for() -> None:
    declare("routes.yaml", numbered(1))
    os.mkfifo("pipe")
    with Sandbox(tokens=["t"]) as pbx:
        done = pbxsync("plan", "routes.yaml", "--url", pbx.url, env={"PBXSYNC_TOKEN_FILE": "pipe"})
        assert pbx.connections == 0
    assert done.code == 1
    assert "PBXSYNC_TOKEN_FILE: the file that it names can't be read: it is a pipe, not a regular file" in done.err


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_end_after_a_secret_is_not_sent(end: str) -> None:
    declare("routes.yaml", numbered(1))
    with Sandbox(tokens=["t"], username="admin", password="pass word") as pbx:
        done = pbxsync("plan", "routes.yaml", env=to(pbx, PBXSYNC_TOKEN=f"t{end}"))
        assert done.code == 0, done.err
        login = {"PBXSYNC_USERNAME": f"admin{end}", "PBXSYNC_PASSWORD": f"pass word{end}", "PBXSYNC_URL": pbx.url}
        done = pbxsync("plan", "routes.yaml", env=login)
        assert done.code == 0, done.err
