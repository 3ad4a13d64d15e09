"""Where pbxsync takes a PBX's credentials from, what it does when they fail, and that it shows none of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pbxsync.sandbox import Sandbox
from tests.cli.forked import pbxsync
from tests.cli.process import calls, declare, names, numbered, to

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
