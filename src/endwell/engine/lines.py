"""The lines of an output that are kept: the first ones, the last ones, and a count of those between.

What comes is kept in *pieces* as it was read, up to the last newline. They are cut into lines only when
somebody looks; a flood that nobody looks at costs a count of newlines.
"""

from __future__ import annotations

from collections import deque

from endwell.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output without its newline; `at` is when it was read, in seconds of the monotonic clock."""

    stream: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was read and not kept because there was too much of it."""

    lines: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: at least so much where there is so much, and hardly more."""

    lines: int
    size: int


HEAD = Bounds(lines=5_000, size=1 << 20)
TAIL = Bounds(lines=10_000, size=4 << 20)


@dataclass(slots=True)
class Piece:
    """Whole lines of one stream that were read at once."""

    stream: str
    content: bytes
    at: float
    lines: int
    _cut: tuple[Line, ...] = field(default=(), init=False, repr=False, compare=False)

    def cut(self) -> tuple[Line, ...]:
        """Return its lines; they are cut once, since whoever waits for one looks a hundred times a second."""
        if not self._cut:
            # A terminal ends its lines with both.
            self._cut = tuple(
                Line(self.stream, text.removesuffix(b"\r").decode(errors="replace"), self.at)
                for text in self.content.removesuffix(b"\n").split(b"\n")
            )
        return self._cut


@dataclass(slots=True)
class Store:
    """The pieces that are kept; `first` is the number of the tail's first piece, counted from the start."""

    head: list[Piece] = field(default_factory=list)
    tail: deque[Piece] = field(default_factory=deque)
    head_size: Bounds = field(default_factory=lambda: Bounds(0, 0))
    tail_size: Bounds = field(default_factory=lambda: Bounds(0, 0))
    dropped: Dropped = field(default_factory=Dropped)
    first: int = 0

    def add(self, piece: Piece) -> None:
        """Keep a piece, and let go of the oldest of the tail where that is too long."""
        size = len(piece.content)
        if not self.tail and self.head_size.lines < HEAD.lines and self.head_size.size < HEAD.size:
            self.head.append(piece)
            self.head_size = Bounds(self.head_size.lines + piece.lines, self.head_size.size + size)
            self.first = len(self.head)
            return
        self.tail.append(piece)
        lines, kept = self.tail_size.lines + piece.lines, self.tail_size.size + size
        while lines - self.tail[0].lines >= TAIL.lines or kept - len(self.tail[0].content) >= TAIL.size:
            oldest = self.tail.popleft()
            self.first += 1
            lines, kept = lines - oldest.lines, kept - len(oldest.content)
            self.dropped = Dropped(self.dropped.lines + oldest.lines, self.dropped.size + len(oldest.content))
        self.tail_size = Bounds(lines, kept)

    def since(self, number: int) -> tuple[int, list[Piece]]:
        """Return the pieces from `number` on that are still there, and the number of the first of them."""
        if number < len(self.head):
            return number, [*self.head[number:], *self.tail]
        start = max(number, self.first)
        return start, list(self.tail)[start - self.first :]
