"""Which `Host` headers are accepted, and where the service may listen without tokens."""

import pytest

from consumer.http.middleware.hosts import (
    default_hosts,
    exposure_problem,
    is_loopback,
    normalize_host,
    parse_hosts,
)

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8084", "localhost"),
        ("localhost:", "localhost"),
        ("example.org.", "example.org"),
        ("example.org.:80", "example.org"),
        ("127.0.0.1:8084", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8084", "[::1]"),
        ("[0:0:0:0:0:0:0:1]:8084", "[::1]"),
        ("[FE80::1]", "[fe80::1]"),
        (" localhost ", "localhost"),
        ("my_host", "my_host"),
    ],
)
def test_host_is_normalized(header: str, host: str) -> None:
    assert normalize_host(header) == host


@pytest.mark.parametrize(
    "header",
    [
        *("", ".", ":8084", "::1", "[::1", "[::1]x", "[1.2.3.4]", "a b", "a/b", "a@localhost"),
        *("localhost,evil", "localhost:80:80", "localhost:x", "хост", "a\x00"),
    ],
)
def test_invalid_host_is_none(header: str) -> None:
    assert normalize_host(header) is None


@pytest.mark.parametrize(
    ("listen_host", "more"),
    [
        ("127.0.0.1", set()),
        ("10.0.0.7", {"10.0.0.7"}),
        ("fe80::1", {"[fe80::1]"}),
        ("Chats.example.org", {"chats.example.org"}),
        *((wildcard, set()) for wildcard in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")),
    ],
)
def test_default_hosts_are_loopback_the_machine_and_the_listen_address(
    listen_host: str, more: set[str]
) -> None:
    assert default_hosts(listen_host, "Box.example.org") == LOOPBACK | {"box.example.org", "box"} | more


def test_hosts_are_parsed_from_a_list_with_commas() -> None:
    assert parse_hosts(" A.example, b:8084,::1 ,[::2], ") == {"a.example", "b", "[::1]", "[::2]"}


@pytest.mark.parametrize(
    ("text", "named"), [("a, b c", "'b c'"), ("http://a", "'http://a'"), (",", "no host")]
)
def test_invalid_list_of_hosts_error_names_the_invalid_host(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_hosts(text)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"]
)
def test_loopback_needs_no_tokens(host: str) -> None:
    assert is_loopback(host)
    assert exposure_problem(host, has_tokens=False, allowed=False) is None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.7", "example.org", "::ffff:10.0.0.7", "localhost.evil"]
)
def test_other_addresses_need_tokens_or_the_setting(host: str) -> None:
    problem = exposure_problem(host, has_tokens=False, allowed=False)
    assert problem is not None
    assert problem.startswith(f"MIGRATION_HTTP_HOST is {host}")
    assert "MIGRATION_HTTP_TOKENS_FILE" in problem
    assert "MIGRATION_HTTP_OPEN=yes" in problem
    assert exposure_problem(host, has_tokens=True, allowed=False) is None
    assert exposure_problem(host, has_tokens=False, allowed=True) is None
