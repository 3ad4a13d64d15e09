"""Tokens and passwords of every kind, whatever the PBX does with them: none is shown, and none changes what is shown.

A secret is kept out by the field that it stands in, not by its text: a token `a` must not blank out every a. So each
run is held against the same run with another secret: what is printed must not depend on it.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbxsync.sandbox import Sandbox
from tests.any_pbx import AnyPbx, Request, Response, fields, success
from tests.cli.process import Ended, Running, declare, names, numbered, pbxsync, received, to
from tests.in_process import inside
from tests.share import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Shown = Callable[[str, Callable[[str], dict[str, str]], str], list[tuple[int, str, str]]]

#: Secrets that are also names of fields, numbers, words of messages, or hard to spell in a URL, in JSON, in XML.
SECRETS = [
    *("name", "1", "json", "all", "password", "token", "a", "Success", "login", "r1", "routes", "20004", "127.0.0.1"),
    *("a&b=c", "100%", "%41%0a", "a+b c", "'\"`$(x)\\", "<b>&amp;</b>", "]]>", "{}", "{0}%s", "//u:p@h/?token=x#y"),
    *("Zürich ☎", "\U0001f4de", "\u202e\u200b", "\xa0", "::error::x", " outer ", "--token"),
]
KINDS = st.sampled_from(SECRETS) | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff"),
    min_size=1,
    max_size=20,
)
#: What no message says by chance, however it is spelt.
MARK = "q7Zk9wX2v"
#: What the others are held against.
PLAIN = f"s3cret-{MARK}"


def spellings(secret: str) -> set[str]:
    """How a secret may come out: as it is, hashed, and as URLs, JSON, XML, HTML and Python spell it."""
    ways = {secret, repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret), unquote(secret)}
    ways |= {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        escape(secret),
        html.escape(secret),
    }
    ways |= {
        hashlib.new(kind, secret.encode(), usedforsecurity=False).hexdigest() for kind in ("md5", "sha1", "sha256")
    }
    return ways | {way.lower() for way in ways} | {way.upper() for way in ways}


def assert_unseen(secret: str, shown: str) -> None:
    assert [way for way in spellings(secret) if way in shown] == []


@pytest.fixture(scope="module")
def pbx() -> Iterator[AnyPbx]:
    with AnyPbx() as pbx:
        yield pbx


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property, with a routes file in it."""
    folder = tmp_path_factory.mktemp("leaks")
    declare(str(folder / "routes.yaml"), numbered(2))
    return folder


def lasting(text: str) -> str:
    """An output without what differs from run to run, and without the lengths of answers, which repeat the secret.

    The host of a redirect is left out too: it is shown unless it holds the secret.
    """
    text = text.replace(" to http://192.0.2.1 (HTTP 302)", " (HTTP 302)")
    return re.sub(r"\b[0-9]+(?= ms\b| bytes\b)|(?<=line )[0-9]+ column [0-9]+ \(char [0-9]+\)", "…", text)


def by_token(secret: str) -> dict[str, str]:
    return {"PBXSYNC_TOKEN": secret}


def by_password(secret: str) -> dict[str, str]:
    return {"PBXSYNC_USERNAME": "api", "PBXSYNC_PASSWORD": secret}


WAYS: list[Callable[[str], dict[str, str]]] = [by_token, by_password]


def runs(folder: Path, pbx: AnyPbx, env: Mapping[str, str]) -> list[Ended]:
    """Every command that talks to a PBX, as talkative as can be."""
    path, state = folder / "routes.yaml", folder / "state.json"
    state.unlink(missing_ok=True)
    where = {"PBXSYNC_URL": pbx.url, "PBXSYNC_RETRIES": "0", **env}
    commands: list[tuple[object, ...]] = [
        ("ping", "-vv"),
        ("plan", "-vv", path),
        ("apply", "-vv", "--format", "json", path),
        ("apply", "-vv", "--state", state, "--init", path),
        ("apply", "-vv", "--state", state, path),
        ("refresh", "-vv", "--state", state),
        ("export", "-vv"),
        ("explain", "--live", "--format", "json", path, "911"),
    ]
    ended = [inside(*command, env=where) for command in commands]
    kept = state.read_text(encoding="utf-8") if state.exists() else ""
    return [*ended, Ended(0, kept, "")]


def holding_routes(request: Request) -> Response:
    """A PBX that holds one route and does whatever it is told."""
    row = {"name": "r1", "matchpattern": "1001", "trunks": "a", "id": "1"}
    return fields(status="Success", token="issued", outroutes=[row], trunkname=[], deviceinfo={"devicename": "UC"})


def echo(*keys: str) -> Callable[[Request], Response]:
    """A PBX that refuses, and repeats all that it was sent in these fields of its answer."""

    def answer(request: Request) -> Response:
        sent = f"{request.target} {unquote(request.target)} {request.body.decode()}"
        return fields(**{"status": "Failed", **dict.fromkeys(keys, sent)})

    return answer


def echo_over_http(status: int) -> Callable[[Request], Response]:
    """A web server that repeats the request wherever HTTP has room for it."""

    def answer(request: Request) -> Response:
        body = request.body.decode()
        page = f"<html><body>{request.target} {unquote(request.target)} {body}</body></html>"
        line = re.sub(r"[^\x20-\x7e]", "", unquote(request.target) + body)
        headers = {
            "Location": f"http://192.0.2.1{request.target}",
            "X-Echo": line,
            "Set-Cookie": f"token={quote(request.token)}",
            "WWW-Authenticate": f'Basic realm="{quote(request.token)}"',
            "Content-Type": f"text/{quote(request.token, safe='')}",
        }
        return Response(page.encode(), status, line, headers)

    return answer


def bare_echo(request: Request) -> Response:
    """A server that answers with what it was sent, and nothing else: with a body that is a JSON object, for one."""
    return Response(request.target.encode() + b"\n" + request.body)


def sent_back(request: Request) -> Response:
    """The same with the body alone."""
    return Response(request.body)


ECHOES: dict[str, Callable[[Request], Response]] = {
    "does what it is told": success,
    "holds routes": holding_routes,
    "in an errno": echo("errno"),
    "in a status": echo("status"),
    "in other fields": echo("message", "error", "token", "outroutes", "deviceinfo"),
    "in the names of fields": lambda request: fields(**{"status": "Failed", request.target + str(request.body): "x"}),
    "where no API is": echo_over_http(404),
    "where a login is wanted": echo_over_http(401),
    "where a proxy fails": echo_over_http(502),
    "in a redirect": echo_over_http(302),
    "in a page": echo_over_http(200),
    "as a body": bare_echo,
    "as a body in JSON": sent_back,
    "cut short": lambda request: Response(b'{"status": "' + request.target.encode() + request.body),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ECHOES)
def test_a_pbx_that_repeats_what_it_was_sent_gets_no_secret_shown(
    folder: Path, pbx: AnyPbx, name: str, way: Callable[[str], dict[str, str]]
) -> None:
    pbx.answer = ECHOES[name]
    secret = f"a&b=<{MARK}>% \"c'\\☎"
    for done in runs(folder, pbx, way(secret)):
        assert MARK.lower() not in done.everything.lower()
        assert_unseen(secret, done.everything)


@pytest.fixture(scope="module")
def shown(folder: Path, pbx: AnyPbx) -> Shown:
    """What every command shows with a secret: exit codes and both streams. Each is run once."""

    @functools.cache
    def of(secret: str, way: Callable[[str], dict[str, str]], name: str) -> list[tuple[int, str, str]]:
        pbx.answer = ECHOES[name]
        return [(one.code, lasting(one.out), lasting(one.err)) for one in runs(folder, pbx, way(secret))]

    return of


@given(KINDS, st.sampled_from(WAYS), st.sampled_from(sorted(ECHOES)))
@settings(max_examples=examples(40))
@example("name", by_token, "in an errno")
@example("1", by_token, "in a redirect")
@example("20004", by_token, "holds routes")
@example("Success", by_password, "does what it is told")
def test_what_is_shown_does_not_depend_on_the_secret(
    shown: Shown, secret: str, way: Callable[[str], dict[str, str]], name: str
) -> None:
    assert shown(secret, way, name) == shown(PLAIN, way, name)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_reaches_the_pbx_as_it_is_from_a_variable_and_from_a_file(
    folder: Path, pbx: AnyPbx, secret: str
) -> None:
    pbx.answer = holding_routes
    file = folder / "secret"
    for end in ("", "\n", "\r\n"):
        file.write_bytes((secret + end).encode())
        for env in ({"PBXSYNC_TOKEN": secret}, {"PBXSYNC_TOKEN_FILE": str(file)}):
            pbx.requests.clear()
            assert inside("plan", folder / "routes.yaml", "--url", pbx.url, env=env).code == 0
            assert [request.token for request in pbx.requests] == [secret]
    hashed = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
    for password in ({"PBXSYNC_PASSWORD": secret}, {"PBXSYNC_PASSWORD_FILE": str(file)}):
        pbx.requests.clear()
        env = {"PBXSYNC_USERNAME": "api", **password}
        assert inside("plan", folder / "routes.yaml", "--url", pbx.url, env=env).code == 0
        assert json.loads(pbx.requests[0].body)["password"] == hashed
        assert pbx.requests[1].token == "issued"


@pytest.mark.parametrize("secret", [f"\x1b[31m{MARK}", f"{MARK}\ttab", f"{MARK}\x07{MARK}", f"{MARK}\n{MARK}"])
def test_a_secret_that_holds_a_control_character_is_neither_sent_nor_shown(
    folder: Path, pbx: AnyPbx, secret: str
) -> None:
    pbx.answer = holding_routes
    pbx.requests.clear()
    file = folder / "secret"
    file.write_bytes(secret.encode())
    by_file = [{"PBXSYNC_TOKEN_FILE": str(file)}, {"PBXSYNC_USERNAME": "api", "PBXSYNC_PASSWORD_FILE": str(file)}]
    for env in (by_token(secret), by_password(secret), *by_file):
        for done in runs(folder, pbx, env)[:-1]:
            assert done.code == 1
            assert "pbxsync: " in done.err
            assert_unseen(MARK, done.everything)
    assert pbx.requests == []


# --- secrets where they don't belong ---


@given(st.text("abcXYZ019&=%+:~-_☎", min_size=0, max_size=10))
@settings(max_examples=examples(40))
def test_a_secret_in_an_address_is_not_repeated(folder: Path, around: str) -> None:
    secret = f"{around}{MARK}{around}"
    routes = folder / "routes.yaml"
    spoilt = folder / "spoilt.yaml"
    for url in (
        f"https://user:{secret}@192.0.2.1",
        f"https://{secret}@192.0.2.1/",
        f"https://192.0.2.1/?token={secret}",
        f"https://192.0.2.1/api#{secret}",
        f"ftp://user:{secret}@192.0.2.1",
        f"https://user:{secret}@[192.0.2.1",
        f"https://user:{secret}@192.0.2.1:x",
    ):
        spoilt.write_text(json.dumps({"pbx": {"url": url}, "routes": []}), encoding="utf-8")
        for arguments, env in (
            (("ping", "--url", url), {}),
            (("plan", "-vv", routes), {"PBXSYNC_URL": url}),
            (("plan", "--format", "json", routes), {"PBXSYNC_URL": url}),
            (("validate", spoilt), {}),
            (("validate", "--format", "github", spoilt), {}),
            (("apply", "--format", "json", spoilt), {}),
        ):
            done = inside(*arguments, env={"PBXSYNC_TOKEN": "t", **env})
            assert done.code == 1
            assert MARK not in done.everything, (url, arguments)


@pytest.mark.parametrize("variable", ["PBXSYNC_TOKEN_FILE", "PBXSYNC_PASSWORD_FILE"])
@pytest.mark.parametrize("secret", [*SECRETS, "x" * 5000, "no/such/" + MARK])
def test_a_secret_given_as_the_path_of_its_file_is_not_repeated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str, secret: str
) -> None:
    monkeypatch.chdir(folder)
    secret = f"{secret}{MARK}"
    for output in ("text", "json"):
        env = {variable: secret, "PBXSYNC_USERNAME": "api", "PBXSYNC_URL": "https://192.0.2.1"}
        done = inside("plan", "-vv", "--format", output, "routes.yaml", env=env)
        assert done.code == 1
        assert f"{variable}: the file that it names can't be read" in done.err
        assert MARK not in done.everything


@pytest.mark.parametrize("scheme", ["http", "ftp", "socks9"])
def test_the_password_of_a_proxy_is_not_repeated(folder: Path, scheme: str) -> None:
    for proxy in (f"{scheme}://user:{MARK}@127.0.0.1:9", f"{scheme}://user:{MARK}@[::1", f"user:{MARK}@127.0.0.1:x"):
        env = {"PBXSYNC_TOKEN": MARK, "PBXSYNC_URL": "http://192.0.2.1", "HTTP_PROXY": proxy, "PBXSYNC_RETRIES": "0"}
        done = inside("plan", "-vv", folder / "routes.yaml", env={**env, "http_proxy": proxy})
        assert done.code == 1
        assert MARK not in done.everything


# --- as a process ---


def _arguments(process: str) -> bytes:
    """Return what the machine's list of processes shows of a process. Not every Linux has the program ``ps``."""
    listed = Path(f"/proc/{process}/cmdline")
    if listed.exists():
        return listed.read_bytes()
    return subprocess.run(["ps", "-o", "args=", "-p", process], capture_output=True, check=True).stdout


def test_a_running_process_shows_no_secret_in_the_machines_list_nor_beside_its_locks(tmp_path: Path) -> None:
    path = declare(str(tmp_path / "routes.yaml"), numbered(2))
    locks = tmp_path / "locks"
    state = tmp_path / "state.json"
    token = f"token-{MARK}"
    with Sandbox(tokens=[token], faults=["outroute/add@1=delay:5"]) as pbx:
        env = to(pbx, PBXSYNC_TOKEN=token, PBXSYNC_LOCK_DIR=str(locks))
        with Running("apply", "-vv", "--state", state, "--init", path, env=env) as run:
            received(pbx, 2)
            notes = "".join(note.read_text(encoding="utf-8") for note in locks.glob("*.holder"))
            found = re.search("process ([0-9]+)", notes)
            assert found is not None
            commandline = _arguments(found[1])
            second = pbxsync("apply", "--state", state, path, env=env)
            done = run.ended()
        assert names(pbx) == ["r1", "r2"]
    assert b"apply" in commandline
    assert MARK.encode() not in commandline
    assert MARK not in notes
    assert second.code == 1
    assert "another pbxsync is at work on" in second.err
    for shown in (done.everything, second.everything, state.read_text(encoding="utf-8")):
        assert MARK not in shown


FAULTY = """
import sys
from pbxsync import client
from pbxsync.cli import main

def broken(*arguments, **more):
    raise RuntimeError(f"sent with {arguments} and {more}")

client.{where} = broken
main()
"""


@pytest.mark.parametrize("where", ["decode", "encode", "quote", "Transport", "hashlib.md5"])
def test_a_fault_of_pbxsync_itself_is_told_without_its_text_and_values(tmp_path: Path, where: str) -> None:
    path = declare(str(tmp_path / "routes.yaml"), numbered(1))
    script = FAULTY.format(arguments="{arguments}", more="{more}", where=where)
    # To hash a password takes a password, and to send it no token.
    secret = by_password(MARK) if where == "hashlib.md5" else by_token(MARK)
    with Sandbox(tokens=[MARK]) as pbx:
        command = (sys.executable, "-c", script)
        done = pbxsync("plan", "-vv", "--format", "json", path, "--url", pbx.url, env=secret, command=command)
    assert done.code == 1
    assert done.json["errors"][0]["message"].startswith("internal error (RuntimeError)")
    assert "broken" in done.err
    assert_unseen(MARK, done.everything)


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_the_sandbox_keeps_no_secret_in_its_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    declare("routes.yaml", numbered(2))
    done = pbxsync("apply", "-vv", "--sandbox", "--type", kind, "routes.yaml", env=by_token(MARK))
    assert done.code == 0
    kept = "".join(file.read_text(encoding="utf-8") for file in Path(".pbxsync").iterdir())
    assert "r2" in kept
    assert MARK not in done.everything + kept
    assert "password" not in kept
    assert "token" not in kept
