"""What `endwell attach` does: prints what comes, passes on what is typed, one piece after the other."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from endwell.cli.conversation import complain, put_json_lines
from endwell.cli.logs import printer
from endwell.cli.waiting import PASSED_ON, waiting
from endwell.system import terminal
from endwell.system.conversation import OverError, RefusedError, answer

if TYPE_CHECKING:
    from endwell.system.conversation import Conversation, Message
    from endwell.system.loop import Loop

_NAME = "endwell attach"
_KEYBOARD = 0
# It has not read what came before, so that nothing of this was taken: it is tried again after a while.
_FULL = frozenset({"busy", "failed"})
_SOON = 0.1
# What has no process, but will have one.
_COMING = frozenset({"STARTING", "BACKOFF"})
_PIECE = 1 << 16  # of input; as JSON it is at most six times as long, and fits into a line of the protocol


class Attachment:
    """A service, and whoever sits in front of it.

    Args:
        conversation: with the supervisor; it is used for nothing else.
        service: which.
        as_json: print JSON lines.
    """

    def __init__(self, conversation: Conversation, service: str, *, as_json: bool) -> None:
        self._conversation = conversation
        self._service = service
        self._as_json = as_json
        self._show = printer(_NAME, [service], times=False, as_json=as_json)
        self._attached = 0
        self._looked = 0
        self._typed = 0  # the number of the request with input that is under way
        self._piece = ""
        self._status: int | None = None
        self._failed: Exception | None = None

    def run(self, *, stdin: bool, signals: bool) -> int:
        """Stay until its process has ended; returns its exit status.

        Args:
            stdin: whether what is typed is passed on.
            signals: whether signals are.

        Raises:
            RefusedError: it cannot be attached to.
        """
        with waiting(PASSED_ON if signals else (), self._signalled) as loop:
            self._attached = self._conversation.send("attach", {"service": self._service})
            # Asked for afterwards: whoever ends between the two is told of by the first.
            self._looked = self._conversation.send("ps", {"services": [self._service]})
            loop.watch(self._conversation.fileno(), lambda: self._receive(loop))
            if stdin:
                self._listen(loop)
            while self._status is None and self._failed is None:
                loop.turn()
        if isinstance(self._failed, OverError):
            return 0  # with the supervisor its services have ended
        if self._failed is not None:
            raise self._failed
        return self._status or 0

    # ----------------------------------------------------------------------------------------- what is typed

    def _listen(self, loop: Loop) -> None:
        try:
            loop.watch(_KEYBOARD, lambda: self._type(loop))
        except PermissionError:  # a regular file, which can always be read
            self._type(loop)

    def _type(self, loop: Loop) -> None:
        data = terminal.read(_KEYBOARD, _PIECE)
        if data is None:
            return
        loop.forget(_KEYBOARD)
        if data:
            # The next piece is read when this one has been taken: who types fast is slowed down here.
            self._piece = data.decode(errors="surrogateescape")
            self._pass_on()

    def _pass_on(self) -> None:
        self._typed = self._send("input", {"service": self._service, "text": self._piece})

    def _signalled(self, number: int) -> None:
        said: dict[str, Any] = {"services": [self._service], "signal": signal.Signals(number).name}
        self._send("kill", said)

    def _send(self, do: str, arguments: dict[str, Any]) -> int:
        try:
            return self._conversation.send(do, arguments)
        except OverError as error:
            self._failed = error
            return 0

    # ------------------------------------------------------------------------------------------- what comes

    def _receive(self, loop: Loop) -> None:
        try:
            messages = self._conversation.receive()
        except OverError as error:
            loop.forget(self._conversation.fileno())
            self._failed = error
            return
        lines: list[Message] = []
        for message in messages:
            if message.get("id") in {self._attached, None}:
                self._of_service(message, lines)
            elif message["id"] == self._looked:
                self._look(message)
            elif message["id"] == self._typed:
                self._taken(message, loop)
        if lines:
            self._show(lines)

    def _of_service(self, message: Message, lines: list[Message]) -> None:
        if "more" not in message:
            try:
                answer(message)
            except RefusedError as error:
                self._failed = error
            else:
                self._status = self._status or 0
        elif "end" in message["more"]:
            self._status = message["more"]["end"].get("status") or 0
            if self._as_json:
                self._show(lines)
                lines.clear()
                put_json_lines([message["more"]])
        else:
            lines.append(message["more"])

    def _look(self, message: Message) -> None:
        if "error" in message:
            return  # it is the same for both requests
        row = message["ok"]["services"][0]
        if not row["pid"] and row["state"] not in _COMING and self._status is None:
            why = (
                f"{row['label']} does not run: it is {row['state']}; `endwell start {row['label']}` starts it"
            )
            self._failed = RefusedError("not-running", why)

    def _taken(self, message: Message, loop: Loop) -> None:
        self._typed = 0
        try:
            answer(message)
        except RefusedError as error:
            if error.kind in _FULL:
                loop.after(_SOON, self._pass_on)
                return
            complain(_NAME, f"what is typed is not passed on: {error}")
        else:
            self._listen(loop)
