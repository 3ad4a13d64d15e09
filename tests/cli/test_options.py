"""The commands' options, their variables and their help; and what a command loads."""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import trustme
from click.shell_completion import ShellComplete

from pbxsync import __version__
from pbxsync.cli.main import COMMANDS, cli
from pbxsync.sandbox import Sandbox
from tests.cli.process import declare, names, numbered, pbxsync, to

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAVY = {"click", "deepdiff", "h11", "httpx", "jsonschema", "rich", "yaml"}


PIN = "0" * 64


def loaded(*arguments: object, env: Mapping[str, str] | None = None) -> set[str]:
    """The heavy packages that a run of pbxsync loads."""
    done = pbxsync(*arguments, env=env, command=(sys.executable, "-X", "importtime", "-m", "pbxsync"))
    assert done.code == 0, done.err
    modules = re.findall(r"^import time:.*\|\s*([\w.]+)$", done.err, re.MULTILINE)
    return {module.split(".")[0] for module in modules} & HEAVY


def options(name: str) -> list[click.Option]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_the_variable_of_its_name(name: str) -> None:
    for option in options(name):
        long = next(one for one in option.opts if one.startswith("--"))
        assert option.envvar == "PBXSYNC_" + long[2:].replace("-", "_").upper()
        assert option.hidden or (option.show_envvar and option.help)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_described_alike_in_its_own_help_and_in_the_list(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.short_help == COMMANDS[name]
    done = pbxsync(name, "--help")
    assert (done.code, done.err) == (0, "")
    for option in options(name):
        assert option.hidden == (max(option.opts, key=len) not in done.out)


def test_the_list_of_commands_is_shown_in_full() -> None:
    done = pbxsync("-h")
    assert (done.code, done.err) == (0, "")
    for name, description in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(description)}$", done.out, re.MULTILINE)


def test_a_command_that_does_not_exist_is_none() -> None:
    assert cli.get_command(click.Context(cli), "options") is None


def test_a_shell_completes_the_commands() -> None:
    shell = ShellComplete(cli, {}, "pbxsync", "_PBXSYNC_COMPLETE")
    assert [item.value for item in shell.get_completions([], "re")] == ["refresh", "resolve", "report"]


def test_options_may_come_from_variables() -> None:
    declare("routes.yaml", numbered(2))
    with Sandbox(tokens=["t"], routes=[{"name": "old", "matchpattern": "1", "trunks": "a"}]) as pbx:
        env = to(pbx, PBXSYNC_PRUNE="1", PBXSYNC_TYPE="xml", PBXSYNC_FORMAT="json", PBXSYNC_MAX_DELETES="0")
        refused = pbxsync("apply", "routes.yaml", env=env)
        assert refused.code == 1
        assert "--max-deletes 0" in refused.json["errors"][0]["message"]
        assert {request.type for request in pbx.requests} == {"xml"}
        wrong = pbxsync("apply", "routes.yaml", env={**env, "PBXSYNC_MAX_DELETES": "x"})
        assert wrong.code == 1
        assert "PBXSYNC_MAX_DELETES" in wrong.err
        # What stands on the command line goes first.
        assert pbxsync("apply", "routes.yaml", "--max-deletes", "1", env=env).code == 0
        assert names(pbx) == ["r1", "r2"]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_that_is_slow(argument: str) -> None:
    assert loaded(argument) == {"click"}


def test_the_version_is_the_package_s() -> None:
    assert pbxsync("--version").out == f"pbxsync {__version__}\n"


def test_each_command_loads_only_what_it_uses() -> None:
    declare("routes.yaml", numbered(1))
    assert loaded("validate", "routes.yaml") == {"click", "yaml"}
    assert loaded("plan", "routes.yaml", "--state", "state.json", "--init") == {"click", "yaml"}
    assert loaded("explain", "routes.yaml", "1001") == {"click", "yaml"}
    assert loaded("schema") == {"click"}
    with Sandbox(tokens=["t"]) as pbx:
        assert not {"deepdiff", "jsonschema"} & loaded("export", env=to(pbx))
        assert not {"deepdiff", "jsonschema", "yaml"} & loaded("ping", env=to(pbx))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ca-file", "missing.pem"], "--ca-file: missing.pem can't be read: No such file or directory"),
        (["--ca-file", "/dev/null"], "--ca-file: /dev/null can't be read: it is a device, not a regular file"),
        (["--ca-file", "pipe.pem"], "--ca-file: pipe.pem can't be read: it is a pipe, not a regular file"),
        (["--ca-file", "routes.yaml"], "--ca-file: routes.yaml holds no certificates in PEM form"),
        (["--ca-file", "routes.yaml", "--insecure"], "--ca-file checks certificates and --insecure takes any"),
        (
            ["--ca-file", "routes.yaml", "--pin-sha256", PIN],
            "--ca-file checks certificates and --pin-sha256 takes those alone that it names: use one of them",
        ),
        (["--pin-sha256", PIN, "--insecure"], "--pin-sha256 takes those alone that it names and --insecure takes any"),
        (["--pin-sha256", PIN[:-1]], "a SHA-256 fingerprint has 64 hex digits, such as 3A:5F:… (32 pairs)"),
        (["--pin-sha256", f"{PIN},"], "a SHA-256 fingerprint has 64 hex digits"),
    ],
)
def test_certificates_that_make_no_sense_are_refused(options: list[str], message: str) -> None:
    declare("routes.yaml", numbered(1))
    os.mkfifo("pipe.pem")
    done = pbxsync("plan", "routes.yaml", "--url", "https://127.0.0.1:9", *options, env={"PBXSYNC_TOKEN": "t"})
    assert done.code == 1
    assert message in done.err


def test_a_certificate_is_taken_where_its_authority_is_trusted_or_the_user_takes_any() -> None:
    authority = trustme.CA()
    Path("ca.pem").write_bytes(authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Sandbox(tokens=["t"], tls=context) as pbx:
        assert "✓ heartbeat" in pbxsync("ping", "--ca-file", "ca.pem", env=to(pbx)).out
        assert "✓ heartbeat" in pbxsync("ping", "--insecure", env=to(pbx)).out
        received = len(pbx.requests)
        refused = pbxsync("ping", env=to(pbx))
        assert len(pbx.requests) == received
    assert (refused.code, refused.out) == (1, "")
    assert "is not trusted" in refused.err
    assert "--ca-file" in refused.err


def test_a_certificate_is_pinned_by_the_fingerprint_that_the_refusal_shows() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("pbx.example.com").configure_cert(context)
    with Sandbox(tokens=["t"], tls=context) as pbx:
        refused = pbxsync("ping", env=to(pbx))
        [shown] = re.findall("--pin-sha256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", refused.err)
        for pin in (shown, shown.replace(":", "").lower(), f"{PIN}, sha256 Fingerprint={shown}"):
            assert "✓ heartbeat" in pbxsync("ping", env=to(pbx, PBXSYNC_PIN_SHA256=pin)).out
        received = len(pbx.requests)
        other = pbxsync("ping", "--pin-sha256", PIN, env=to(pbx))
        assert len(pbx.requests) == received
    assert other.code == 1
    assert f"is not one that --pin-sha256 names: its SHA-256 is {shown}" in other.err


def test_each_call_has_a_connection_of_its_own_by_option_by_variable_and_by_the_file() -> None:
    declare("routes.yaml", numbered(3))
    pbx_section = {"fresh_connections": True}
    Path("fresh.yaml").write_text(json.dumps({"pbx": pbx_section, "routes": numbered(3)}), encoding="utf-8")
    for file, options, variables in (
        ("routes.yaml", ["--fresh-connections"], {}),
        ("routes.yaml", [], {"PBXSYNC_FRESH_CONNECTIONS": "1"}),
        ("fresh.yaml", [], {}),
        ("routes.yaml", [], {}),
    ):
        with Sandbox(tokens=["t"]) as pbx:
            assert pbxsync("apply", "--yes", file, *options, env=to(pbx, **variables)).code == 0
            kept = file == "routes.yaml" and not options and not variables
            assert pbx.connections == (1 if kept else len(pbx.requests))


def test_plain_http_to_another_machine_is_warned_of() -> None:
    declare("routes.yaml", numbered(1))
    arguments = ("plan", "routes.yaml", "--url", "http://192.0.2.1:9", "--timeout", "0.1", "--retries", "0")
    done = pbxsync(*arguments, "--insecure", env={"PBXSYNC_TOKEN": "t"})
    assert done.code == 1
    assert "pbxsync: warning: http://192.0.2.1:9: token and password travel unencrypted over plain HTTP" in done.err
