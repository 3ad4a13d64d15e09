"""Addresses of PBXs: which text is one, what is said of others, and one form for each."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.urls import covers, is_loopback, normal_url, same_pbx_key, url_fault

SCHEMA_URL = Draft202012Validator(schemas.load("routes")["properties"]["pbx"]["properties"]["url"])

SAME = [
    ("https://192.0.2.10", "https://192.0.2.10"),
    ("https://192.0.2.10/", "https://192.0.2.10"),
    ("https://192.0.2.10:443", "https://192.0.2.10"),
    ("https://192.0.2.10:", "https://192.0.2.10"),
    ("HTTPS://PBX.Example.COM", "https://pbx.example.com"),
    ("http://pbx.example.com:80/", "http://pbx.example.com"),
    ("http://pbx.example.com:443", "http://pbx.example.com:443"),
    ("https://pbx.example.com:8443/PBX/", "https://pbx.example.com:8443/PBX"),
    ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ("https://bücher.example.com", "https://bücher.example.com"),
    ("https://pbx_1.example.com", "https://pbx_1.example.com"),
    ("https://pbx.example.com/a@b", "https://pbx.example.com/a@b"),
]

FAULTS = [
    ("", "begin with http"),
    ("192.0.2.10", "begin with http"),
    ("//192.0.2.10", "begin with http"),
    ("ftp://192.0.2.10", "begin with http"),
    ("file:///etc/passwd", "begin with http"),
    ("javascript:x", "begin with http"),
    ("https://", "names no host"),
    ("https:/192.0.2.10", "names no host"),
    ("https:///x", "names no host"),
    ("https://:443", "can't be read"),
    ("https://192.0.2.10:0", "port is none"),
    ("https://192.0.2.10:65536", "port is none"),
    ("https://192.0.2.10:99999", "port is none"),
    ("https://192.0.2.10:-1", "can't be read"),
    ("https://192.0.2.10:+1", "can't be read"),
    ("https://192.0.2.10:\u0664\u0664\u0663", "can't be read"),
    ("https://192.0.2.10:\xb2", "can't be read"),
    ("https://192.0.2.10:443:443", "can't be read"),
    ("https://[2001:db8::1", "can't be read"),
    ("https://2001:db8::1]", "can't be read"),
    ("https://2001:db8::1", "can't be read"),
    ("https://[::1]x", "can't be read"),
    ("https://[pbx]", "can't be read"),
    ("https://a\\b", "can't be read"),
    ('https://a"b', "can't be read"),
    ("https://*", "can't be read"),
    ("https://.", "can't be read"),
    ("https://-", "can't be read"),
    ("https://a,b", "can't be read"),
    ("https://192.0.2.10 ", "a space"),
    ("https://192.0.2.10\n", "a space"),
    ("https://192.0.2.10\t", "a space"),
    ("https://192.0.2.10/\x00", "a control character"),
    ("https://192.0.2.10/\u200b", "a control character"),
    ("https://192.0.2.10?", "a query"),
    ("https://192.0.2.10/?a=b", "a query"),
    ("https://192.0.2.10#", "a fragment"),
]

WITH_SECRET = [
    "https://admin:hunter2@192.0.2.10",
    "https://hunter2@192.0.2.10",
    "https://:hunter2@192.0.2.10",
    "https://admin:hunter2@192.0.2.10:port",
    "https://admin:hunter2@192.0.2.10:99999",
    "https://admin:hunter2@",
    "https://admin:hunter2@[::1",
    "https://admin:hunter2\u2100@192.0.2.10",
    "https://192.0.2.10\\admin:hunter2@x",
    "ftp://admin:hunter2@192.0.2.10",
    "https://192.0.2.10/?token=hunter2",
    "https://192.0.2.10/#hunter2",
    "https://192.0.2.10:hunter2",
    "https://admin:hunter2 @192.0.2.10",
]


@pytest.mark.parametrize(("text", "normal"), SAME)
def test_spellings_of_one_address_come_to_one_form(text: str, normal: str) -> None:
    assert url_fault(text) is None
    assert normal_url(text) == normal
    assert normal_url(normal) == normal
    assert SCHEMA_URL.is_valid(text)


@pytest.mark.parametrize(("text", "says"), FAULTS)
def test_what_is_no_address_of_a_pbx_is_refused_with_the_reason(text: str, says: str) -> None:
    fault = url_fault(text)
    assert fault is not None
    assert says in fault
    with pytest.raises(ValueError, match="^" + fault.replace("(", r"\(").replace(")", r"\)") + "$"):
        normal_url(text)


@pytest.mark.parametrize("text", WITH_SECRET)
def test_the_reason_never_repeats_a_secret(text: str) -> None:
    fault = url_fault(text)
    assert fault is not None
    assert "hunter2" not in fault


URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "https:/", "", "https:"]),
    st.text("aZ0.-_[]:@\\%é\u0661 /?#\n\x00", max_size=8),
    st.sampled_from(["", ":443", ":0", ":", ":99999", "@h"]),
    st.sampled_from(["", "/", "/x/", "?", "#", "\n"]),
)


@given(st.one_of(URLS, st.text(max_size=20)))
@example("https://h/@")
def test_the_schema_lets_pass_every_address_and_what_is_none_has_a_reason(text: str) -> None:
    if url_fault(text) is None:
        assert SCHEMA_URL.is_valid(text)
        assert normal_url(normal_url(text)) == normal_url(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8088",
        "http://127.9.9.9",
        "http://localhost",
        "https://LOCALHOST/x",
        "http://a.localhost",
        "http://[::1]:1",
        "http://127.1",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0:8088",
    ],
)
def test_this_machines_own_addresses_are_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.10",
        "http://127.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://127.0.0.999",
        "http://127.0.0.\xb2",
        "http://[2001:db8::1]",
        "",
    ],
)
def test_addresses_that_only_look_like_loopback_are_not(url: str) -> None:
    assert not is_loopback(url)


#: Spellings of the same PBX, each group of another one.
ONE_PBX = [
    [
        "http://127.0.0.1:8080",
        "https://127.0.0.1:8080",
        "http://localhost:8080",
        "http://LOCALHOST.:8080",
        "http://localhost.localdomain:8080",
        "http://ip6-localhost:8080",
        "http://127.1:8080",
        "http://127.0.1:8080",
        "http://0x7f.1:8080",
        "http://0x7f000001:8080",
        "http://0177.0.0.01:8080",
        "http://2130706433:8080",
        "http://[::1]:8080",
        "http://[0:0:0:0:0:0:0:1]:8080",
        "http://[0000:0000::0001]:8080",
        "http://[::ffff:127.0.0.1]:8080",
        "http://[::FFFF:7f00:1]:8080",
        "http://0.0.0.0:8080",
        "http://0:8080",
        "http://[::]:8080",
        "http://localhost:8080/",
        "http://localhost:8080/.",
        "http://localhost:8080/./",
        "http://localhost:8080//",
        "http://localhost:8080/a/..",
        "http://localhost:8080/a/../",
        "http://localhost:8080/../.",
        "http://localhost:8080/%2e/",
        "http://localhost:8080/a/%2E%2e",
    ],
    ["http://127.0.0.2:8080", "http://127.2:8080", "http://[::ffff:127.0.0.2]:8080"],
    ["https://127.0.0.1", "http://127.0.0.1", "http://localhost:80", "https://localhost:443", "https://[::1]/."],
    ["https://192.0.2.10", "https://[::ffff:192.0.2.10]", "https://192.0.522", "http://0xc0.0.2.012"],
    ["https://[2001:db8::1]", "https://[2001:DB8:0:0:0::1]:443", "https://[2001:0db8::0.0.0.1]"],
    ["https://[2001:db8::2]"],
    ["https://pbx.example.com", "HTTPS://PBX.Example.COM:443/", "http://pbx.example.com/."],
    ["https://pbx.example.com./"],
    ["https://hq.localhost:8080"],
    ["https://branch.localhost:8080"],
    ["https://pbx.example.com/hq", "https://pbx.example.com/./hq/", "https://pbx.example.com/branch/../hq"],
    ["https://pbx.example.com/HQ"],
    ["https://pbx.example.com/branch"],
    ["https://bücher.example.com"],
    ["https://localhost.example.com"],
    ["https://127.0.0.1.example.com"],
    ["https://[::ffff:0:127.0.0.1]"],
]


@pytest.mark.parametrize("spellings", ONE_PBX, ids=lambda spellings: spellings[0])
def test_spellings_of_one_pbx_have_one_key(spellings: list[str]) -> None:
    assert len({same_pbx_key(normal_url(text)) for text in spellings}) == 1


def test_other_pbxs_have_other_keys() -> None:
    keys = {same_pbx_key(normal_url(spellings[0])) for spellings in ONE_PBX}
    assert len(keys) == len(ONE_PBX)


def test_an_address_that_is_no_url_is_its_own_key() -> None:
    for address in ("", "sandbox:.pbxsync/sandbox.json", "sandbox:.pbxsync/../sandbox.json"):
        assert same_pbx_key(address) == address


@given(URLS)
def test_every_address_has_a_key_which_is_that_of_its_normal_form(text: str) -> None:
    if url_fault(text) is None:
        normal = normal_url(text)
        assert same_pbx_key(normal) == same_pbx_key(normal_url(normal))
        assert covers(normal, normal)


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("https://192.0.2.10", "https://192.0.2.10/any/path"),
        ("https://192.0.2.10/", "https://192.0.2.10"),
        ("https://192.0.2.10/.", "https://192.0.2.10/x"),
        ("https://[::ffff:192.0.2.10]", "https://192.0.2.10:443"),
        ("https://pbx.example.com/hq", "https://pbx.example.com/hq/"),
        ("http://localhost:8080", "http://127.0.0.1:8080"),
    ],
)
def test_credentials_may_go_to_their_own_address(allowed: str, address: str) -> None:
    assert covers(normal_url(allowed), normal_url(address))


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("https://192.0.2.10", "http://192.0.2.10"),
        ("https://192.0.2.10", "http://192.0.2.10:443"),
        ("http://192.0.2.10", "https://192.0.2.10:80"),
        ("https://192.0.2.10", "https://192.0.2.10:8443"),
        ("https://192.0.2.10", "https://192.0.2.100"),
        ("https://192.0.2.10", "https://192.0.2.10.example.com"),
        ("https://pbx.example.com", "https://pbx.example.com.example.net"),
        ("https://pbx.example.com/hq", "https://pbx.example.com"),
        ("https://pbx.example.com/hq", "https://pbx.example.com/hq2"),
        ("https://pbx.example.com/hq", "https://pbx.example.com/hq/../branch"),
        ("https://pbx.example.com/hq", "https://pbx.example.com/hq/deeper"),
        ("https://pbx.example.com", "https://[::1]"),
    ],
)
def test_credentials_may_go_nowhere_else(allowed: str, address: str) -> None:
    assert not covers(normal_url(allowed), normal_url(address))
