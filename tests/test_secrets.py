"""Where credentials come from: variables and files, those of one PBX before the plain ones, and never shown."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pbxsync.cli.secrets import credentials
from pbxsync.client import Credentials
from pbxsync.errors import SettingsError
from tests.cli.process import PATIENCE

URL = "https://192.0.2.10"


def refusal(name: str | None, environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        credentials(name, URL, environment)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_bytes(b"s3cret \xc3\xa4\r\n")
    return file


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PBXSYNC_TOKEN": "t"}, Credentials("t")),
        ({"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": "p"}, Credentials(None, "u", "p")),
        ({"PBXSYNC_TOKEN": "t", "PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": "p"}, Credentials("t", "u", "p")),
        ({"PBXSYNC_TOKEN": "t", "PBXSYNC_USERNAME": "u"}, Credentials("t", "u")),
        ({"PBXSYNC_TOKEN": "", "PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": " p "}, Credentials(None, "u", " p ")),
    ],
)
def test_credentials_come_from_the_plain_variables(environment: dict[str, str], expected: Credentials) -> None:
    assert credentials(None, URL, environment) == expected
    assert credentials("hq", URL, environment) == expected


def test_a_token_or_a_password_may_be_in_a_file_whose_last_line_end_is_no_part_of_it(secret: Path) -> None:
    assert credentials(None, URL, {"PBXSYNC_TOKEN_FILE": str(secret)}) == Credentials("s3cret ä")
    environment = {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD_FILE": str(secret)}
    assert credentials(None, URL, environment) == Credentials(None, "u", "s3cret ä")


def test_a_byte_order_mark_is_no_part_of_a_secret(secret: Path) -> None:
    secret.write_bytes(b"\xef\xbb\xbfs3cret\n")
    assert credentials(None, URL, {"PBXSYNC_TOKEN_FILE": str(secret)}).token == "s3cret"


def test_the_variables_of_a_named_pbx_come_before_the_plain_ones_which_are_then_left_alone(secret: Path) -> None:
    plain = {"PBXSYNC_TOKEN": "plain", "PBXSYNC_USERNAME": "plain", "PBXSYNC_PASSWORD": "plain"}
    assert credentials("hq", URL, plain | {"PBXSYNC_TOKEN_HQ": "t"}) == Credentials("t")
    own = {"PBXSYNC_USERNAME_BRANCH_7": "u", "PBXSYNC_PASSWORD_BRANCH_7": "p"}
    assert credentials("branch-7", URL, plain | own) == Credentials(None, "u", "p")
    assert credentials("hq", URL, plain | {"PBXSYNC_TOKEN_FILE_HQ": str(secret)}) == Credentials("s3cret ä")
    assert credentials("other", URL, plain | own).token == "plain"


def test_without_any_credentials_it_is_said_which_variables_to_set() -> None:
    assert refusal(None, {}) == (
        "no credentials: set PBXSYNC_TOKEN or PBXSYNC_TOKEN_FILE, or PBXSYNC_USERNAME and PBXSYNC_PASSWORD or "
        "PBXSYNC_PASSWORD_FILE"
    )
    assert refusal("hq", {"PBXSYNC_TOKEN": ""}).endswith("(or PBXSYNC_TOKEN_HQ, …)")


@pytest.mark.parametrize(
    ("name", "environment", "said"),
    [
        (None, {"PBXSYNC_USERNAME": "u"}, "PBXSYNC_USERNAME is set, but PBXSYNC_PASSWORD is not"),
        (None, {"PBXSYNC_PASSWORD": "s3cret"}, "PBXSYNC_PASSWORD is set, but PBXSYNC_USERNAME is not"),
        (
            "hq",
            {"PBXSYNC_USERNAME_HQ": "u", "PBXSYNC_PASSWORD": "s3cret"},
            "PBXSYNC_USERNAME_HQ is set, but PBXSYNC_PASSWORD_HQ is not",
        ),
        (None, {"PBXSYNC_TOKEN": "s3cret", "PBXSYNC_TOKEN_FILE": "f"}, "both PBXSYNC_TOKEN and PBXSYNC_TOKEN_FILE"),
        (None, {"PBXSYNC_TOKEN": "s3cret\udcff"}, "PBXSYNC_TOKEN: its value is not UTF-8"),
        (None, {"PBXSYNC_USERNAME": "\udcff", "PBXSYNC_PASSWORD": "s3cret"}, "PBXSYNC_USERNAME: its value"),
        (None, {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": "s3cret\udcff"}, "PBXSYNC_PASSWORD: its value"),
    ],
)
def test_credentials_that_do_not_fit_together_are_refused(
    name: str | None, environment: dict[str, str], said: str
) -> None:
    assert said in refusal(name, environment)


def test_a_secret_put_where_its_files_path_belongs_is_not_shown() -> None:
    assert refusal(None, {"PBXSYNC_TOKEN_FILE": "s3cret"}) == (
        "PBXSYNC_TOKEN_FILE: the file that it names can't be read: No such file or directory"
    )
    assert "PBXSYNC_TOKEN_FILE" in refusal(None, {"PBXSYNC_TOKEN_FILE": "s3cret" * 1000})


def test_a_file_of_a_secret_that_is_a_folder_no_text_or_empty_is_refused(tmp_path: Path, secret: Path) -> None:
    assert "can't be read" in refusal(None, {"PBXSYNC_TOKEN_FILE": str(tmp_path)})
    secret.write_bytes(b"s3cret\xff")
    assert "it is not UTF-8" in refusal(None, {"PBXSYNC_TOKEN_FILE": str(secret)})
    secret.write_bytes(b"\n")
    assert "is empty" in refusal(None, {"PBXSYNC_TOKEN_FILE": str(secret)})
    secret.write_bytes(b"s" * 10_001)
    assert refusal(None, {"PBXSYNC_TOKEN_FILE": str(secret)}) == (
        "PBXSYNC_TOKEN_FILE: the file that it names holds more than a secret; name the right one"
    )


# --- line ends and control characters ---


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_a_line_end_around_a_secret_is_cut_in_variables_and_in_files(end: str, secret: Path) -> None:
    around = {name: f"{end}{text}{end}" for name, text in (("TOKEN", "t"), ("USERNAME", "u"), ("PASSWORD", " p "))}
    environment = {f"PBXSYNC_{name}": text for name, text in around.items()}
    assert credentials(None, URL, environment) == Credentials("t", "u", " p ")
    assert credentials("hq", URL, {f"{name}_HQ": text for name, text in environment.items()}).token == "t"
    secret.write_text(around["TOKEN"], encoding="utf-8", newline="")
    assert credentials(None, URL, {"PBXSYNC_TOKEN_FILE": str(secret)}).token == "t"
    secret.write_text(around["PASSWORD"], encoding="utf-8", newline="")
    by_file = {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD_FILE": str(secret)}
    assert credentials(None, URL, by_file) == Credentials(None, "u", " p ")


def test_a_variable_of_nothing_but_line_ends_counts_as_not_set() -> None:
    assert credentials("hq", URL, {"PBXSYNC_TOKEN_HQ": "\r\n", "PBXSYNC_TOKEN": "t"}).token == "t"


@pytest.mark.parametrize("variable", ["PBXSYNC_TOKEN", "PBXSYNC_USERNAME", "PBXSYNC_PASSWORD"])
@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("\n", "more than one line"),
        ("\r\n", "more than one line"),
        ("\x00", "the control character U+0000"),
        ("\x1b", "the control character U+001B"),
        ("\t", "the control character U+0009"),
        ("\u2028", "the control character U+2028"),
    ],
)
def test_a_secret_with_a_control_character_inside_is_refused_by_the_name_of_its_variable(
    variable: str, inside: str, what: str, secret: Path
) -> None:
    others = {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": "s3cret"}
    said = refusal(None, {**others, variable: f"s3cret{inside}s3cret\n"})
    assert said == f"{variable}: its value holds {what}, which no secret has; set the secret alone"
    if variable != "PBXSYNC_USERNAME":
        secret.write_bytes(f"s3cret{inside}s3cret\n".encode())
        others.pop(variable, None)
        said = refusal(None, {**others, f"{variable}_FILE": str(secret)})
        assert said.startswith(f"{variable}_FILE: the file that it names holds {what}, ")


# --- what is no file ---


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_or_a_device_for_a_secret_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said: list[str] = []
    for file, what in ((pipe, "a pipe"), (Path("/dev/zero"), "a device")):
        reading = threading.Thread(
            target=lambda file: said.append(refusal(None, {"PBXSYNC_TOKEN_FILE": str(file)})), args=(file,), daemon=True
        )
        reading.start()
        reading.join(PATIENCE)
        assert said.pop() == (
            f"PBXSYNC_TOKEN_FILE: the file that it names can't be read: it is {what}, not a regular file"
        )


# --- where credentials may go ---


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        (None, {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": f"{URL}/"}),
        (None, {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": f"{URL}\r\n"}),
        (None, {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": "HTTPS://[::ffff:192.0.2.10]:443/."}),
        ("hq", {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL": URL}),
        ("hq", {"PBXSYNC_TOKEN_HQ": "t", "PBXSYNC_TOKEN_URL_HQ": URL, "PBXSYNC_TOKEN_URL": "https://192.0.2.99"}),
        ("hq", {"PBXSYNC_TOKEN_HQ": "t", "PBXSYNC_TOKEN_URL": "https://192.0.2.99"}),
        ("branch-7", {"PBXSYNC_TOKEN_BRANCH_7": "t", "PBXSYNC_TOKEN_URL_BRANCH_7": URL}),
        (None, {"PBXSYNC_TOKEN": "t", "PBXSYNC_TOKEN_URL_HQ": "https://192.0.2.99"}),
    ],
)
def test_credentials_are_given_out_for_their_own_address(name: str | None, environment: dict[str, str]) -> None:
    assert credentials(name, URL, environment).token == "t"


ELSEWHERE = "https://192.0.2.99"


@pytest.mark.parametrize(
    ("name", "environment", "variable"),
    [
        (None, {"PBXSYNC_TOKEN": "s3cret"}, "PBXSYNC_TOKEN_URL"),
        (None, {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD": "s3cret"}, "PBXSYNC_TOKEN_URL"),
        ("hq", {"PBXSYNC_TOKEN": "s3cret"}, "PBXSYNC_TOKEN_URL"),
        ("hq", {"PBXSYNC_TOKEN": "s3cret"}, "PBXSYNC_TOKEN_URL_HQ"),
        ("hq", {"PBXSYNC_TOKEN_HQ": "s3cret"}, "PBXSYNC_TOKEN_URL_HQ"),
        (
            "branch-7",
            {"PBXSYNC_USERNAME_BRANCH_7": "u", "PBXSYNC_PASSWORD_BRANCH_7": "s3cret"},
            "PBXSYNC_TOKEN_URL_BRANCH_7",
        ),
    ],
)
def test_credentials_are_given_out_for_no_other_address(
    name: str | None, environment: dict[str, str], variable: str
) -> None:
    assert refusal(name, {**environment, variable: ELSEWHERE}) == (
        f"{variable}: the credentials are for {ELSEWHERE}, and --url, PBXSYNC_URL or pbx: url: in the file names "
        f"{URL}, so nothing is sent. Correct the address that is wrong"
    )


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("", "it is empty"),
        ("192.0.2.10", "it must begin with http:// or https://"),
        ("https://admin:s3cret@192.0.2.10", "it holds a user name or password"),
        ("https://192.0.2.10 ", "it holds a space"),
    ],
)
def test_an_address_of_credentials_that_is_none_lets_nothing_out(given: str, fault: str) -> None:
    said = refusal(None, {"PBXSYNC_TOKEN": "s3cret", "PBXSYNC_TOKEN_URL": given})
    assert said.startswith(f"PBXSYNC_TOKEN_URL: {fault}")
    assert said.endswith("; write the PBX's address, such as https://192.0.2.10")


def test_the_repr_of_credentials_shows_no_secret() -> None:
    assert repr(Credentials("s3cret", "admin", "s3cret")) == "Credentials(username='admin')"
