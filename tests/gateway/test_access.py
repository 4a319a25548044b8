"""Who may come in."""

from __future__ import annotations

import base64
import hashlib

import pytest

from endwell.gateway.access import refusal
from endwell.model.gateway import Door
from tests.gateway.fake import Gateway
from tests.gateway.test_connection import CALL, post, response

OPEN = Door(section="inet_http_server")
PLAIN = Door(section="inet_http_server", username="kim", password="s:ecrét")  # noqa: S106  made up
HASHED = Door(
    section="inet_http_server",
    username="kim",
    password="{SHA}" + hashlib.sha1("s:ecrét".encode(), usedforsecurity=False).hexdigest(),
)


def basic(text: str, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {base64.b64encode(text.encode()).decode()}"}


def status(door: Door, headers: dict[str, str]) -> int:
    answer = refusal(door, headers)
    return 200 if answer is None else answer.status.value


@pytest.mark.parametrize("door", [PLAIN, HASHED])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic("kim:s:ecrét"), 200),
        (basic("kim:s:ecrét", "bAsIc"), 200),
        (basic("kim:s:ecret"), 401),
        (basic("kim:"), 401),
        (basic("kim"), 401),
        (basic("Kim:s:ecrét"), 401),
        (basic("kim:s:ecrét", "Digest"), 401),
        ({}, 401),
        ({"authorization": "Basic %%%"}, 400),
        ({"authorization": "Basic " + base64.b64encode(b"kim:\xff").decode()}, 400),
        ({"authorization": "Basic"}, 401),
        ({"authorization": ""}, 401),
    ],
)
def test_basic_authentication(door: Door, headers: dict[str, str], expected: int) -> None:
    assert status(door, headers) == expected


def test_the_hash_itself_is_no_password() -> None:
    assert status(HASHED, basic(f"kim:{HASHED.password}")) == 401


def test_nobody_is_asked_where_nobody_has_a_name() -> None:
    assert status(OPEN, {}) == 200


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:9001", 200),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://localhost:9002", 403),
    ],
)
def test_pages_of_other_servers_may_not_ask(origin: str, expected: int) -> None:
    assert status(OPEN, {"origin": origin, "host": "localhost:9001"}) == expected


def test_who_is_refused_hears_of_it_though_he_has_sent_much() -> None:
    with Gateway(door=PLAIN) as gateway, gateway.connect() as talk:
        talk.sendall(post(b"x" * 500_000))
        status, headers, _ = response(talk)
        assert status == 401
        assert headers["www-authenticate"] == 'Basic realm="default"'
        assert talk.recv(1) == b""
        assert gateway.requests == []


def test_who_is_known_gets_in() -> None:
    authorization = f"Authorization: {basic('kim:s:ecrét')['authorization']}"
    with Gateway(door=HASHED) as gateway, gateway.connect() as talk:
        talk.sendall(post(CALL, "1.1", "/RPC2", authorization))
        assert response(talk)[0] == 200
