"""Addresses of PBXs: which text is one, what is said of others, and one form for each."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pbxsync import schemas
from pbxsync.urls import is_loopback, normal_url, url_fault

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
