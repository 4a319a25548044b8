"""`endwell attach`, and a service that does not read what is typed."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from endwell.cli import attaching
from endwell.cli.attaching import Attachment
from endwell.model.control import decode, encode
from endwell.system.conversation import Conversation, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Supervisor(threading.Thread):
    """Answers each `input` with the next of these kinds of error, or takes it; then the service ends."""

    def __init__(self, connection: socket.socket, kinds: list[str], row: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.texts: list[str] = []
        self._lines = connection.makefile("rwb", buffering=0)
        self._kinds = kinds
        self._row = {"label": "web", "pid": 7, "state": "RUNNING", **row}
        self._attached = 0

    def run(self) -> None:
        with self._lines:
            for line in self._lines:
                request = decode(line)
                if request["do"] == "attach":
                    self._attached = request["id"]
                elif request["do"] == "ps":
                    self._say(request["id"], ok={"services": [self._row]})
                else:
                    self._take(request)

    def _take(self, request: dict[str, Any]) -> None:
        self.texts.append(request["text"])
        if self._kinds:
            error = {"kind": self._kinds.pop(0), "message": "no"}
            self._say(request["id"], error=error)
            if error["kind"] == "failed":
                return
        else:
            self._say(request["id"], ok={})
        self._say(self._attached, more={"end": {"status": 3}})

    def _say(self, number: int, **what: object) -> None:
        self._lines.write(encode({"id": number, **what}))


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    reading, writing = os.pipe()
    monkeypatch.setattr(attaching, "_KEYBOARD", reading)
    yield writing
    os.close(reading)
    os.close(writing)


def attach(kinds: list[str], **row: object) -> tuple[int, list[str]]:
    ours, theirs = socket.socketpair()
    supervisor = Supervisor(theirs, kinds, row)
    with theirs:
        supervisor.start()
        try:
            with Conversation(ours) as conversation:
                status = Attachment(conversation, "web", as_json=False).run(stdin=True, signals=False)
        finally:
            supervisor.join()
    return status, supervisor.texts


def test_what_is_not_taken_is_sent_again(keyboard: int) -> None:
    os.write(keyboard, "zürich\n".encode())
    assert attach(["failed", "failed"]) == (3, ["zürich\n"] * 3)


def test_what_nobody_will_ever_read_is_told_once(keyboard: int, capsys: pytest.CaptureFixture[str]) -> None:
    os.write(keyboard, b"hello\n")
    assert attach(["no-stdin"]) == (3, ["hello\n"])
    assert capsys.readouterr().err == "endwell attach: what is typed is not passed on: no\n"
    assert os.write(keyboard, b"more\n")  # nobody has read it


@pytest.mark.parametrize("state", ["STOPPED", "EXITED", "FATAL"])
def test_one_that_does_not_run(keyboard: int, state: str) -> None:
    assert keyboard
    with pytest.raises(RefusedError, match=f"^web does not run: it is {state}; `endwell start web`"):
        attach([], pid=0, state=state)
