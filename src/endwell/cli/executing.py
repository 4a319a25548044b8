"""What `endwell exec` does: hands over its own descriptors, or joins two terminals, and waits for the end.

Without a terminal the command has our standard streams themselves: nothing is copied, and what it writes is
where it belongs when it has ended. With one it gets a terminal of its own, which is made here; the supervisor
only starts the command on it.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from endwell.cli.waiting import PASSED_ON, waiting
from endwell.system.conversation import OverError, answer
from endwell.system.terminal import as_it_is, raw

if TYPE_CHECKING:
    from endwell.system.bridge import Bridge
    from endwell.system.conversation import Conversation, Message
    from endwell.system.loop import Loop

_IN, _OUT, _ERROR = 0, 1, 2


class HungUpError(Exception):
    """Our terminal is gone, and with it whoever wanted the command."""


class Execution:
    """One command, run beside the processes of a service.

    Args:
        conversation: with the supervisor; it is used for nothing else.
        arguments: of the request, but for `tty`.
        interactive: whether it has our standard input, or nothing.
        tty: whether it gets a terminal.
    """

    def __init__(
        self, conversation: Conversation, arguments: dict[str, Any], *, interactive: bool, tty: bool
    ) -> None:
        self._conversation = conversation
        self._arguments = {**arguments, "tty": tty}
        self._interactive = interactive
        self._tty = tty
        self._asked = 0
        self._answer: Message | None = None
        self._bridge: Bridge | None = None
        self._failed: Exception | None = None

    def run(self) -> int:
        """Run it; returns its exit status.

        Raises:
            RefusedError: it was not run.
            OverError: the supervisor has ended before it.
            HungUpError: our terminal has gone.
        """
        numbers = (*PASSED_ON, signal.SIGHUP, *((signal.SIGWINCH,) if self._tty else ()))
        with ExitStack() as stack:
            loop = stack.enter_context(waiting(numbers, self._signalled))
            if self._tty:
                stack.enter_context(raw(_IN) if self._interactive else as_it_is(_OUT))
                self._ask_with_terminal(loop, stack)
            else:
                self._ask()
            loop.watch(self._conversation.fileno(), partial(self._receive, loop))
            while self._answer is None and self._failed is None:
                loop.turn()
            if self._bridge is not None:
                self._bridge.finish()
            if self._failed is not None:
                raise self._failed
        return int(answer(self._answer or {})["status"])

    def _ask(self) -> None:
        nothing = None if self._interactive else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            descriptors = (_IN if nothing is None else nothing, _OUT, _ERROR)
            self._asked = self._conversation.send("exec", self._arguments, descriptors)
        finally:
            if nothing is not None:
                os.close(nothing)

    def _ask_with_terminal(self, loop: Loop, stack: ExitStack) -> None:
        from endwell.system.bridge import Bridge  # noqa: PLC0415  for terminals only

        inner, outer = os.openpty()
        try:
            self._bridge = Bridge(loop, inner, _IN if self._interactive else None, _OUT)
            stack.callback(self._bridge.close)
            self._bridge.resize()
            self._asked = self._conversation.send("exec", self._arguments, (outer, outer, outer))
        finally:
            os.close(outer)

    def _receive(self, loop: Loop) -> None:
        try:
            messages = self._conversation.receive()
        except OverError as error:
            self._failed = error
            loop.forget(self._conversation.fileno())
            return
        for message in messages:
            if message.get("id") in {self._asked, None} and "more" not in message:
                self._answer = message

    def _signalled(self, number: int) -> None:
        if number == signal.SIGWINCH:
            if self._bridge is not None:
                self._bridge.resize()
        elif number == signal.SIGHUP:
            self._failed = HungUpError()
        else:
            try:
                name = signal.Signals(number).name
                self._conversation.send("signal", {"of": self._asked, "signal": name})
            except OverError as error:
                self._failed = error
