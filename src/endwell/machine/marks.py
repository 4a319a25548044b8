"""Lines marked with who has written them, and when.

A whole piece is marked with a few calls that work on all of its lines at once: a loop over lines in Python
would cost ten times as much.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from endwell.model.service import Prefix

if TYPE_CHECKING:
    from collections.abc import Callable

_BREAK = 0x0A
_CONTROLS = bytes(code for code in range(0x20) if code != _BREAK)
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")
_SHORT = {0x08: rb"\b", 0x09: rb"\t", 0x0C: rb"\f", 0x0D: rb"\r"}
_ESCAPES = {bytes((code,)): _SHORT.get(code, rb"\u%04x" % code) for code in range(0x20)}


class Marks:
    """Marks the lines of one stream of one service.

    Args:
        prefix: how.
        label: what the service is called; `stream`: stdout or stderr.
        stamp: writes the time of a wall clock, in seconds, as it is to be read.
        width: characters that labels are padded to, so that lines of several stand in columns.
    """

    __slots__ = ("_before", "_label", "_prefix", "_stamp", "_stream", "_within")

    def __init__(
        self, prefix: Prefix, label: str, stream: str, stamp: Callable[[float], bytes], width: int = 0
    ) -> None:
        self._prefix = prefix
        self._label = label = label.replace("\n", " ")
        self._stream = stream
        self._stamp = stamp
        name = f"{label:{width}} ".encode(errors="replace")
        if prefix is Prefix.JSON:
            service, stream_ = _quoted(label.encode(errors="replace")), _quoted(stream.encode())
            name = b'","service":"%b","stream":"%b"' % (service, stream_)
        self._before = name
        self._within = False

    def mark(self, data: bytes, at: float) -> bytes:
        """Return the lines marked; what does not end in a line break is to be continued.

        A piece of a long line becomes a line of its own: the next one says with `~` instead of `|` that it
        goes on, in JSON all but the last say `"partial":true`. Without a prefix nothing is changed.

        Args:
            data: whole lines, or a piece of a long one at the end; not empty.
            at: when they were read, in seconds of the wall clock.
        """
        if self._prefix is Prefix.NONE:
            return data
        partial = data[-1] != _BREAK
        within, self._within = self._within, partial
        if self._prefix is Prefix.JSON:
            return self._objects(data, at, partial=partial)
        before = self._before if self._prefix is Prefix.NAME else b"%b %b" % (self._stamp(at), self._before)
        bar = before + b"| "
        body = data if partial else data[:-1]
        return b"%b%b\n" % (before + b"~ " if within else bar, body.replace(b"\n", b"\n" + bar))

    def note(self, text: str, at: float) -> bytes:
        """Return a line of ours among those of the service, marked as they are."""
        line = f"endwell: {text}".encode(errors="replace")
        if self._prefix is Prefix.NONE:
            who = f"endwell: {self._label} {self._stream}: {text}\n"
            return who.encode(errors="replace")
        if self._prefix is Prefix.JSON:
            return b'{"time":"%b%b,"endwell":true,"message":"%b"}\n' % (
                self._stamp(at),
                self._before,
                _quoted(line),
            )
        before = self._before if self._prefix is Prefix.NAME else b"%b %b" % (self._stamp(at), self._before)
        return b"%b| %b\n" % (before, line)

    def interrupt(self) -> None:
        """Take note that a line that was to be continued is not."""
        self._within = False

    def _objects(self, data: bytes, at: float, *, partial: bool) -> bytes:
        head = b'{"time":"%b%b' % (self._stamp(at), self._before)
        body = data if partial else data[:-1]
        tail = b',"partial":true}\n' if partial else b"}\n"
        if _is_text(body):
            # One object's end and the next one's beginning take the place of the line break between them.
            between = b'"}\n%b,"message":"' % head
            return b'%b,"message":"%b"%b' % (head, _quoted(body).replace(b"\n", between), tail)
        *whole, last = body.split(b"\n")
        objects = [b"%b,%b}\n" % (head, _message(line)) for line in whole]
        return b"%b%b,%b%b" % (b"".join(objects), head, _message(last), tail)


def _message(line: bytes) -> bytes:
    if _is_text(line):
        return b'"message":"%b"' % _quoted(line)
    # What is no text cannot be in JSON as it is: it is shown as well as can be, and given exactly beside it.
    shown = _quoted(line.decode(errors="replace").encode())
    return b'"message":"%b","base64":"%b"' % (shown, binascii.b2a_base64(line, newline=False))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _quoted(data: bytes) -> bytes:
    """Escape what may not be within a JSON string, except line breaks."""
    data = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    # To look for them by deleting them is ten times as fast as by the pattern.
    if len(data.translate(None, _CONTROLS)) != len(data):
        return _CONTROL.sub(lambda match: _ESCAPES[match.group()], data)
    return data
