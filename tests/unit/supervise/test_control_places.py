"""endwell.supervise.control.places: where the supervisor listens for its clients."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from endwell.supervise.control import places as module
from endwell.supervise.control.places import UnusableError, open_listening
from endwell.system.listening import Listening

if TYPE_CHECKING:
    from pathlib import Path


def usual(monkeypatch: pytest.MonkeyPatch, *found: Path | str) -> list[str]:
    """Let these be the usual places; returns what is said."""
    monkeypatch.setattr(module, "places", lambda _user, _environment: tuple(map(str, found)))
    return []


def test_the_first_place_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = usual(monkeypatch, tmp_path / "no" / "s", tmp_path / "yes")
    listening = open_listening("", {}, said.append)
    assert listening is not None
    assert (listening.place, said) == (str(tmp_path / "yes"), [])
    # It is taken now, by a supervisor: clients would find that one, so another place is no help.
    assert open_listening("", {}, said.append) is None
    (line,) = said
    assert line.startswith(f"cannot listen for clients at {tmp_path}/yes: somebody listens there already")
    listening.close()


@pytest.mark.root
def test_a_file_of_somebody_else_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").touch()
    os.chown(tmp_path / "theirs", 65534, 65534)
    said = usual(monkeypatch, tmp_path / "theirs", tmp_path / "ours")
    listening = open_listening("", {}, said.append)
    assert listening is not None
    assert (listening.place, said) == (str(tmp_path / "ours"), [])
    listening.close()


def test_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = usual(monkeypatch, tmp_path / "no" / "s")
    assert open_listening("", {}, said.append) is None
    assert said == ["cannot listen for clients at any of the usual places: name one with --socket"]
    assert open_listening("none", {}, said.append) is None
    assert open_listening("", {"ENDWELL_SOCKET": "none"}, said.append) is None
    assert len(said) == 1


def test_what_was_asked_for_is_that_or_an_error(tmp_path: Path) -> None:
    said: list[str] = []
    place = str(tmp_path / "s")
    listening = open_listening(place, {"ENDWELL_SOCKET": "none"}, said.append)
    assert isinstance(listening, Listening)
    for wanted, environment in ((place, {}), ("", {"ENDWELL_SOCKET": place})):
        with pytest.raises(UnusableError, match="somebody listens there already: name another place"):
            open_listening(wanted, environment, said.append)
    for wanted in ("a\0b", "x" * 200, "/proc/nothing"):
        with pytest.raises(UnusableError, match="cannot listen for clients at") as caught:
            open_listening(wanted, {}, said.append)
        assert "\n" not in str(caught.value)
    assert said == []
    listening.close()
