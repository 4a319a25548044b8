"""What waits to be written to one place, of everybody who writes there: bounded, in order, line by line.

Each writer may have about `bound` bytes waiting. What becomes of more is the writer's policy: with BLOCK it
has to wait (`full`: do not read from it), with DROP its lines are left out and counted, and a line says how
many once there is room again. While the place itself fails (no space is left), nobody is made to wait: a full
disk must not stop a service. Everybody's lines are dropped and counted then.

Lines stay whole and are never mixed, and nothing is dropped within a line, but for one so long that it comes
in pieces. A writer that is alone may have its lines passed on before they are complete; should another one
write then after all, the line is ended first.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from endwell.model.service import WhenBlocked
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.machine.marks import Marks

BOUND = 128 * 1024
UNREAD = "nobody has read them"
_BATCH = 64 * 1024
_BREAK = 0x0A


@dataclass(slots=True)
class Lost:
    """How much was dropped, and why."""

    lines: int = 0
    size: int = 0
    why: str = ""

    def __str__(self) -> str:
        plural = "" if self.lines == 1 else "s"
        return f"{self.lines} line{plural} ({self.size} bytes) dropped: {self.why}"

    def add(self, data: bytes, why: str) -> None:
        """Count this too; what does not end in a line break is counted when it does."""
        self.lines += data.count(b"\n")
        self.size += len(data)
        if why not in self.why:
            self.why = f"{self.why}, {why}" if self.why else why

    def merge(self, other: Lost | None) -> None:
        """Count what was counted there too."""
        if other is not None:
            self.lines += other.lines
            self.size += other.size
            self.why = self.why or other.why


@dataclass(slots=True, eq=False)
class Share:
    """What one stream of one service may have waiting at one place, over all the processes it ever has.

    Args:
        policy: what becomes of its lines while nobody takes them.
        waiting: bytes that are not written yet.
        dropping: whether its lines are being dropped.
        blocked: whether it has to wait.
        unsaid: what was dropped and is not told yet.
        lost: all that was ever dropped.
    """

    policy: WhenBlocked = WhenBlocked.BLOCK
    waiting: int = 0
    dropping: bool = False
    blocked: bool = False
    unsaid: Lost = field(default_factory=Lost)
    lost: Lost = field(default_factory=Lost)


@dataclass(slots=True, eq=False)
class Writer:
    """One stream of one process, as an outbox knows it.

    Args:
        marks: how its lines are marked.
        share: what it may have waiting.
        within: whether what it has added last is to be continued.
        skip: whether the beginning of the line it is in was dropped.
    """

    marks: Marks
    share: Share = field(default_factory=Share)
    within: bool = False
    skip: bool = False

    def drop(self, data: bytes, why: str) -> None:
        """Count what is dropped."""
        if data:
            self.share.unsaid.add(data, why)
            self.share.lost.add(data, why)
            self.skip = not data.endswith(b"\n")


@dataclass(frozen=True, slots=True)
class _Entry:
    writer: Writer
    data: bytes
    at: float
    note: Lost | None = None


class Outbox:
    """What waits for one place; `within`: what is there already ends in the middle of a line."""

    def __init__(self, bound: int = BOUND, *, within: bool = False) -> None:
        self.failure = ""  # why the place takes nothing, when that is not for want of a reader
        self._bound = bound
        self._queue: deque[_Entry] = deque()
        self._batch = b""
        self._sent = 0
        self._owners: list[_Entry] = []
        self._last: Writer | None = None
        self._within = within  # at the end of the batch
        self._before = within  # before it

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._queue and not self._batch

    def full(self, share: Share) -> bool:
        """Return whether whose share this is has to wait before it adds more."""
        if share.policy is WhenBlocked.DROP or self.failure:
            share.blocked = False
        else:
            share.blocked = self._over(share, since=share.blocked)
        return share.blocked

    def add(self, writer: Writer, data: bytes, at: float) -> None:
        """Take lines, or a piece of one that is to be continued, unless they have to be dropped."""
        share = writer.share
        lossy = share.policy is WhenBlocked.DROP or bool(self.failure)
        share.dropping = lossy and self._over(share, since=share.dropping)
        if writer.skip:
            begin = data.find(b"\n") + 1 or len(data)
            writer.drop(data[:begin], self.failure or share.unsaid.why or UNREAD)
            data = data[begin:]
        if share.dropping:
            data = self._refuse(writer, data, at)
        if data:
            self._say(writer, at)
            self._put(writer, data, at)

    def end(self, writer: Writer, at: float) -> None:
        """Take note that the writer adds nothing more."""
        writer.skip = False
        if not self._over(writer.share, since=True):
            self._say(writer, at)

    def peek(self) -> tuple[bytes, int]:
        """Return what is to be written next, and from where in it; nothing when it is empty."""
        if not self._batch and self._queue:
            self._fill()
        return self._batch, self._sent

    def sent(self, end: int) -> None:
        """Take note that what `peek` gave is written up to `end`."""
        self._sent = end
        if end < len(self._batch):
            return
        owners, self._owners, self._batch, self._sent = self._owners, [], b"", 0
        for entry in owners:
            entry.writer.share.waiting -= len(entry.data)
        for entry in owners:
            if not self._over(entry.writer.share, since=True):
                self._say(entry.writer, entry.at)

    def discard(self, why: str) -> None:
        """Drop all that waits: it will never be taken."""
        begun = self._owners if self._sent else []
        for entry in begun:
            entry.writer.share.waiting -= len(entry.data)
        if begun:
            self._within = self._batch[self._sent - 1] != _BREAK
            # Whose bytes they are is not known within a batch; the last one's are at its end.
            begun[-1].writer.drop(self._batch[self._sent :], why)
        else:
            self._within = self._before
        entries = (*(() if begun else self._owners), *self._queue)
        for entry in entries:
            entry.writer.share.waiting -= len(entry.data)
            entry.writer.drop(entry.data, why)
        for entry in (*begun, *entries):
            entry.writer.share.unsaid.merge(entry.note)
        for writer in {entry.writer for entry in (*begun, *entries)}:
            writer.skip, writer.within = writer.within, False
            writer.marks.interrupt()
        self._queue.clear()
        self._owners, self._batch, self._sent, self._last = [], b"", 0, None

    def _over(self, share: Share, *, since: bool) -> bool:
        # Once over the bound, it has to come down to half of it: else every line would change it.
        return share.waiting >= self._bound or (since and share.waiting > self._bound // 2)

    def _refuse(self, writer: Writer, data: bytes, at: float) -> bytes:
        """Drop lines, but for the end of one that was begun; return that."""
        why = self.failure or UNREAD
        if not writer.within:
            writer.drop(data, why)
            return b""
        end = data.find(b"\n") + 1
        if end:
            writer.drop(data[end:], why)
            return data[:end]
        # A line without end: what is there of it is ended, lest it grow beyond every bound.
        self._put(writer, b"\n", at)
        writer.drop(data, why)
        return b""

    def _say(self, writer: Writer, at: float) -> None:
        share = writer.share
        if share.unsaid.size and not writer.within and not writer.skip:
            said, share.unsaid = share.unsaid, Lost()
            self._queue.append(_Entry(writer, b"", at, said))

    def _put(self, writer: Writer, data: bytes, at: float) -> None:
        self._queue.append(_Entry(writer, data, at))
        writer.share.waiting += len(data)
        writer.within = not data.endswith(b"\n")

    def _fill(self) -> None:
        size, parts = 0, []
        self._before = self._within
        while self._queue and size < _BATCH:
            entry = self._queue.popleft()
            self._owners.append(entry)
            marks, note = entry.writer.marks, entry.note
            text = marks.note(str(note), entry.at) if note else marks.mark(entry.data, entry.at)
            author = None if note else entry.writer
            if self._within and (note or author is not self._last):
                parts.append(b"\n")
            self._last, self._within = author, text[-1] != _BREAK
            parts.append(text)
            size += len(text)
        self._batch = parts[0] if len(parts) == 1 else b"".join(parts)
