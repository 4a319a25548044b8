"""Where the page is, as both formats say it."""

from __future__ import annotations

import pytest

from endwell.model.place import Place
from endwell.model.web import Web
from endwell.parse.problems import ConfigurationError
from endwell.parse.web import is_loopback, listen, web_of
from endwell.render.services_toml import services_toml
from tests.unit.parse.services.files import FILE, WEB, read

SHA = "{SHA}" + "0123456789" * 4
HERE = Place(FILE, 3)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9080", ("127.0.0.1", 9080)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("localhost:9080", ("localhost", 9080)),
        ("*:9080", ("", 9080)),
        ("0.0.0.0:9080", ("", 9080)),
        ("[::1]:9080", ("::1", 9080)),
        ("[::]:65535", ("::", 65535)),
        (" Box:1 ", ("box", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert listen(text) == address


@pytest.mark.parametrize(
    "text", ["", "0", ":80", "a:", "a:b", "65536", "::1:80", "http://a:80", "a:80/x", "999999"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not HOST:PORT: write for example 127\.0\.0\.1:9080"):
        listen(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("::1", True)),
        *(("", False), ("::", False), ("10.0.0.1", False), ("127.0.0.1.example.org", False), ("box", False)),
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("address", "username", "password", "key"),
    [
        (("", 80), None, None, "listen"),
        (("box", 80), None, None, "listen"),
        (("", 80), "kim", None, "username"),
        (None, None, "secret", "password"),
        (None, "", "secret", "username"),
        (None, "a:b", "secret", "username"),
        (None, "kim", "", "password"),
        (None, "kim", "{SHA}", "password"),
        (None, "kim", "{SHA}secret", "password"),
        (None, "kim", SHA, None),
        (("", 80), "kim", "secret", None),
        (None, None, None, None),
    ],
)
def test_what_goes_together(
    address: tuple[str, int] | None, username: str | None, password: str | None, key: str | None
) -> None:
    refused: list[str] = []
    web_of(address, username, password, HERE, lambda key, why: refused.append(f"{key} {why}"))
    assert [one.split()[0] for one in refused] == ([key] if key else [])
    assert not [one for one in refused if "secret" in one]


def test_in_an_endwell_toml() -> None:
    assert read(WEB).project.web is None
    assert read(f"[web]\n{WEB}").project.web == Web(place=Place(FILE, 1))
    text = f'[web]\nlisten = "*:81"\nusername = "${{WHO}}"\npassword = 12\n{WEB}'
    found = read(text, WHO="kim").project.web
    assert found == Web(host="", port=81, username="kim", password="12", place=Place(FILE, 1))  # noqa: S106


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('listen = "*:81"', 2, "web.listen is *:81, where others can come in, and there is no password"),
        ('listen = "x"', 2, "web.listen = 'x' is not HOST:PORT"),
        ('\npassword = "hunter2"', 3, "web.password stands there without a username"),
        ("port = 80", 2, "web.port is no key: write it in listen, as HOST:PORT"),
    ],
)
def test_what_is_wrong_in_an_endwell_toml(text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(f"[web]\n{text}\n{WEB}")
    assert str(caught.value).startswith(f"{FILE}:{line}: {said}")
    assert "hunter2" not in str(caught.value)


def test_it_is_written_as_it_is_read() -> None:
    for text in (
        "[web]",
        '[web]\nlisten = "[::1]:81"',
        f'[web]\nlisten = "*:81"\nusername = "a$$b"\npassword = "{SHA}"',
    ):
        project = read(f"{text}\n{WEB}").project
        again = read(services_toml(project)).project
        assert project.web is not None
        assert again.web is not None
        assert [getattr(again.web, one) for one in ("host", "port", "username", "password")] == [
            getattr(project.web, one) for one in ("host", "port", "username", "password")
        ]
