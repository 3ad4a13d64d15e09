"""Where credentials come from: variables and files, those of one PBX before the plain ones, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pbxsync.cli.secrets import credentials
from pbxsync.client import Credentials
from pbxsync.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def refusal(name: str | None, environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        credentials(name, environment)
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
    assert credentials(None, environment) == expected
    assert credentials("hq", environment) == expected


def test_a_token_or_a_password_may_be_in_a_file_whose_last_line_end_is_no_part_of_it(secret: Path) -> None:
    assert credentials(None, {"PBXSYNC_TOKEN_FILE": str(secret)}) == Credentials("s3cret ä")
    environment = {"PBXSYNC_USERNAME": "u", "PBXSYNC_PASSWORD_FILE": str(secret)}
    assert credentials(None, environment) == Credentials(None, "u", "s3cret ä")


def test_a_byte_order_mark_is_no_part_of_a_secret(secret: Path) -> None:
    secret.write_bytes(b"\xef\xbb\xbfs3cret\n")
    assert credentials(None, {"PBXSYNC_TOKEN_FILE": str(secret)}).token == "s3cret"


def test_the_variables_of_a_named_pbx_come_before_the_plain_ones_which_are_then_left_alone(secret: Path) -> None:
    plain = {"PBXSYNC_TOKEN": "plain", "PBXSYNC_USERNAME": "plain", "PBXSYNC_PASSWORD": "plain"}
    assert credentials("hq", plain | {"PBXSYNC_TOKEN_HQ": "t"}) == Credentials("t")
    own = {"PBXSYNC_USERNAME_BRANCH_7": "u", "PBXSYNC_PASSWORD_BRANCH_7": "p"}
    assert credentials("branch-7", plain | own) == Credentials(None, "u", "p")
    assert credentials("hq", plain | {"PBXSYNC_TOKEN_FILE_HQ": str(secret)}) == Credentials("s3cret ä")
    assert credentials("other", plain | own).token == "plain"


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


def test_the_repr_of_credentials_shows_no_secret() -> None:
    assert repr(Credentials("s3cret", "admin", "s3cret")) == "Credentials(username='admin')"
