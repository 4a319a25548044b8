"""Somebody's terminal, joined to one that was made for a program: keys go in, what it shows comes out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.system import terminal

if TYPE_CHECKING:
    from endwell.system.loop import Loop


# What is shown of it when the program has ended: more than the kernel keeps, so that all of the program's own
# is in it, and less than for ever, should another one that it has left go on writing.
_MOST_LEFT = 1 << 18


class Bridge:
    """Passes on what is typed and what is shown, as it is.

    Args:
        loop: for waiting.
        inner: our end of the program's terminal; is made non-blocking, and is closed with the bridge.
        keyboard: where it is typed; None: nowhere.
        screen: where it is shown.
    """

    def __init__(self, loop: Loop, inner: int, keyboard: int | None, screen: int) -> None:
        self._loop = loop
        self._inner = inner
        self._keyboard = keyboard
        self._screen = screen
        os.set_blocking(inner, False)
        # There is one watch for each descriptor, and both directions have to be watched.
        self._slot = os.dup(inner)
        self._typed = bytearray()
        loop.watch(inner, self._show)
        self._watch_keyboard()

    def resize(self) -> None:
        """Give the program's terminal the size of the one it is shown on."""
        size = terminal.size(self._screen, *(() if self._keyboard is None else (self._keyboard,)))
        if size is not None:
            terminal.resize(self._inner, size)

    def finish(self) -> None:
        """Show what was written before the end; those who still hold the terminal are not waited for."""
        left = _MOST_LEFT
        while left > 0 and (data := terminal.read(self._inner)):
            terminal.write(self._screen, data)
            left -= len(data)

    def close(self) -> None:
        """Part them: to those who still hold the program's terminal that is a hang-up."""
        for descriptor in (self._inner, self._slot):
            self._loop.forget(descriptor)
            os.close(descriptor)
        self._no_more_keys()

    def _watch_keyboard(self) -> None:
        if self._keyboard is not None:
            self._loop.watch(self._keyboard, self._type)

    def _no_more_keys(self) -> None:
        if self._keyboard is not None:
            self._loop.forget(self._keyboard)
            self._keyboard = None

    def _show(self) -> None:
        data = terminal.read(self._inner)
        if data:
            terminal.write(self._screen, data)
        elif data is not None:
            self._loop.forget(self._inner)

    def _type(self) -> None:
        keyboard = self._keyboard
        if keyboard is None:
            return
        data = terminal.read(keyboard)
        if data:
            self._typed += data
            self._pass_on()
        elif data is not None:
            self._no_more_keys()

    def _pass_on(self) -> None:
        try:
            del self._typed[: os.write(self._slot, self._typed)]
        except BlockingIOError:
            pass
        except OSError:  # nobody holds the terminal any more
            self._typed.clear()
        if not self._typed:
            self._loop.forget(self._slot)
            self._watch_keyboard()
            return
        # Nothing more is taken in before the program has read what there is.
        if self._keyboard is not None:
            self._loop.forget(self._keyboard)
        self._loop.watch(self._slot, self._pass_on, writing=True)
