"""What load to put on which target, as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.probe.load import LoadError, LoadOptions, http_target, tcp_target

if TYPE_CHECKING:
    from endwell.probe.load.options import Target


@pytest.mark.parametrize(
    ("url", "version", "protocol", "host", "port", "path", "authority"),
    [
        ("http://127.0.0.1", 1, "http/1.1", "127.0.0.1", 80, "/", "127.0.0.1"),
        ("http://localhost:8080/a/b?c=d#e", 1, "http/1.1", "localhost", 8080, "/a/b?c=d", "localhost:8080"),
        ("https://[::1]/", 2, "http/2", "::1", 443, "/", "[::1]"),
        ("http://[::1]:81/?x", 2, "http/2", "::1", 81, "/?x", "[::1]:81"),
    ],
)
def test_a_url_names_a_target(  # noqa: PLR0917  what the table has
    url: str, version: int, protocol: str, host: str, port: int, path: str, authority: str
) -> None:
    target = http_target(url, version=version)
    assert (target.protocol, target.host, target.port, target.path) == (protocol, host, port, path)
    assert target.authority == authority
    assert target.secure == url.startswith("https:")
    assert http_target(str(target), version=version) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:8080", "not an http or https URL"),
        ("ftp://127.0.0.1/", "not an http or https URL"),
        ("http:///path", "not an http or https URL"),
        ("http://127.0.0.1:x/", "Port could not be cast"),
        ("http://127.0.0.1:70000/", "Port out of range"),
        ("http://me:secret@127.0.0.1/", "user names"),
        ("http://127.0.0.1/a b", "no spaces"),
        ("http://127.0.0.1/\r\nX: y", "no spaces"),
        ("http://[::1/", "Invalid IPv6"),
    ],
)
def test_what_is_no_target_is_one_line(url: str, why: str) -> None:
    with pytest.raises(
        LoadError, match=r"^cannot load [^\n]+; use for example http://127\.0\.0\.1:8080/$"
    ) as caught:
        http_target(url)
    assert why in str(caught.value)


@given(st.text())
def test_any_text_is_a_target_or_one_line(text: str) -> None:
    for read in (http_target, tcp_target):
        try:
            assert "\n" not in str(read(text))
        except LoadError as error:
            assert "\n" not in str(error)  # noqa: PT017  either way is right


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("5432", "127.0.0.1", 5432, "tcp:127.0.0.1:5432"),
        ("db:5432", "db", 5432, "tcp:db:5432"),
        ("[::1]:80", "::1", 80, "tcp:[::1]:80"),
    ],
)
def test_a_port_names_a_target(text: str, host: str, port: int, shown: str) -> None:
    target = tcp_target(text)
    assert (target.host, target.port, str(target)) == (host, port, shown)


@pytest.mark.parametrize("text", ["", "db", "db:", "db:0", "db:65536", "db:x", "db:²"])
def test_what_has_no_port_is_one_line(text: str) -> None:
    with pytest.raises(LoadError, match="it does not end in a port"):
        tcp_target(text)


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(target=http_target("http://127.0.0.1/")),
        LoadOptions(target=tcp_target("1"), say="hello\n", fresh_rate=5.0, fresh_seconds=1.0, idle=7),
    ],
)
def test_options_are_read_as_they_were_written(options: LoadOptions) -> None:
    line = options.to_json()
    assert "\n" not in line
    assert LoadOptions.from_json(line) == options


@pytest.mark.parametrize("target", [http_target("http://127.0.0.1/"), tcp_target("1")])
def test_the_rate_holds_after_the_stop_too(target: Target) -> None:
    assert LoadOptions(target=target, rate=4).fresh_interval == 0.25


def test_held_connections_come_more_slowly() -> None:
    assert LoadOptions(target=http_target("http://127.0.0.1/")).fresh_interval == 0.02
    assert LoadOptions(target=http_target("http://127.0.0.1/"), rate=0).fresh_interval == 0.01
    assert LoadOptions(target=tcp_target("1")).fresh_interval == 0.1
    assert LoadOptions(target=tcp_target("1"), fresh_rate=50).fresh_interval == 0.02
