"""What commands say when there is nobody to talk to, and where they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.cli.main import main
from endwell.model.control import VARIABLE
from endwell.system import conversation
from endwell.system.listening import Listening

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.delenv(VARIABLE, raising=False)
    found = tuple(str(tmp_path / name) for name in ("one", "two", "three"))
    monkeypatch.setattr(conversation, "places", lambda *_: found)
    monkeypatch.setattr(conversation, "elsewhere", tuple)  # there may be some on this machine
    return found


@pytest.mark.parametrize("name", ["ps", "logs", "top", "events", "reload"])
def test_nobody_is_there(places: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, three = places
    assert main([name]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"endwell {name}: cannot reach a supervisor: tried {one}, {two} and {three}; "
        "start one with `endwell up`\n"
    )


def test_one_that_listens_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "elsewhere", lambda: ("/a/endwell.sock", "@endwell-7"))
    assert main(["ps"]) == 1
    err = capsys.readouterr().err
    assert err.endswith("; name with --socket the one at /a/endwell.sock or @endwell-7\n")


def test_why_a_place_was_passed_over(places: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    gone = Listening(places[1])
    gone._file = None  # its file stays
    gone.close()
    assert main(["stop", "web"]) == 1
    assert f", {places[1]} (nobody listens there any more) and " in capsys.readouterr().err


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_place_that_was_named_is_the_only_one(
    places: tuple[str, ...], how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Listening(places[0])
    try:
        monkeypatch.setenv(VARIABLE, "none" if how == "option" else places[2])
        assert main(["ps", *(["--socket", places[2]] if how == "option" else [])]) == 1
    finally:
        there.close()
    assert capsys.readouterr().err == (
        f"endwell ps: cannot reach a supervisor at {places[2]}: there is nothing; "
        f"start one with `endwell up --socket {places[2]}`\n"
    )


def test_no_place_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ps", "--socket", "none"]) == 1
    assert capsys.readouterr().err == (
        "endwell ps: cannot reach a supervisor at 'none': name the path of its socket\n"
    )
