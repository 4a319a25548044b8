"""What services have written last, and what they write now, for those who ask.

Who writes to files is read from there. What goes to the container's own output can be read nowhere any more,
so the last of it is kept here: a share of a few megabytes for each service. Nothing is looked at for that:
pieces are kept as they were read from the pipe, and become lines when somebody wants lines.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from endwell.model.service import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.model.service import ServiceSpec

Key = tuple[str, int]

ALL_TOGETHER = 4 << 20  # bytes of all services
MOST, LEAST = 256 << 10, 8 << 10  # of one of them
_MOST_CUT = 32  # taps that are remembered without need
_PIECE = 120  # bytes that a piece takes besides its own
LONGEST = 64 << 10  # bytes of a line; one that is longer comes in pieces


class Line(NamedTuple):
    """Something a service has written.

    Args:
        time: when, by the wall clock; None: nobody knows.
        stream: stdout or stderr.
        text: without the end of the line.
    """

    time: float | None
    stream: str
    text: bytes


class _Piece(NamedTuple):
    time: float
    tap: Tap
    stream: str
    data: bytes


class Tail:
    """The last of what one replica has written.

    Args:
        kept: the streams of which it is kept here.
        tails: which it is one of, for how much is kept.

    Attributes:
        followers: called with the lines of a stream as they are written; see `follow`.
    """

    def __init__(self, kept: frozenset[str], tails: Tails) -> None:
        self.followers: dict[Callable[[list[Line]], None], None] = {}
        self.kept = kept
        self._tails = tails
        self._pieces: deque[_Piece] = deque()
        self._size = 0
        self._cut: set[tuple[Tap, str]] = set()  # those whose first piece may begin within a line

    def follow(self, call: Callable[[list[Line]], None]) -> Callable[[], None]:
        """Tell somebody what is written from now on; returns what ends that."""
        self.followers[call] = None
        return lambda: self._forget(call)

    def keep(self, piece: _Piece) -> None:
        """Keep a piece, and drop what there is no room for."""
        bound = self._tails.bound
        cut = len(piece.data) > bound
        if cut:
            piece = piece._replace(data=piece.data[-bound:])
        self._pieces.append(piece)
        self._size += len(piece.data) + _PIECE
        while self._size > bound + _PIECE:
            gone = self._pieces.popleft()
            self._size -= len(gone.data) + _PIECE
            whose = gone.tap, gone.stream
            (self._cut.discard if gone.data.endswith(b"\n") else self._cut.add)(whose)
        if cut:
            self._cut.add((piece.tap, piece.stream))
        if len(self._cut) > _MOST_CUT:
            self._cut &= {(one.tap, one.stream) for one in self._pieces}

    def lines(self, *, whole: bool) -> Memory:
        """Return the lines that are kept at this moment.

        Args:
            whole: whether lines that are not at their end yet are left out: whoever follows gets them then.
        """
        return Memory(tuple(self._pieces), frozenset(self._cut), whole=whole)

    def _forget(self, call: Callable[[list[Line]], None]) -> None:
        self.followers.pop(call, None)


class Memory:
    """The lines that were kept at some moment, made of pieces as far as somebody goes through them.

    A line is many times what its bytes are, and whoever has asked for it may be slow: only pieces are held,
    and they are the same for all who ask.

    Args:
        pieces: as they were read.
        cut: those whose first piece may begin within a line.
        whole: whether lines that are not at their end are left out.
    """

    def __init__(self, pieces: tuple[_Piece, ...], cut: frozenset[tuple[Tap, str]], *, whole: bool) -> None:
        self._pieces = pieces
        self._first_cut = cut
        self._whole = whole

    def __iter__(self) -> Iterator[Line]:
        """Go through the lines."""
        begun: dict[tuple[Tap, str], Line] = {}
        cut = set(self._first_cut)
        for time, tap, stream, data in self._pieces:
            before = begun.pop((tap, stream), None)
            texts = data.split(b"\n") if before is None else (before.text + data).split(b"\n")
            last = texts.pop()
            if (tap, stream) in cut:
                if not texts:
                    continue
                del texts[0]
                cut.discard((tap, stream))
            for at, text in enumerate(texts):
                yield Line(before.time if before and not at else time, stream, text)
            if last:
                begun[tap, stream] = Line(before.time if before and not texts else time, stream, last)
        if not self._whole:
            yield from begun.values()


class Tap:
    """What hears one process: what it writes goes to the tail of its replica.

    Args:
        tail: of the replica.
        wall: the wall clock.
    """

    __slots__ = ("_begun", "_tail", "_wall")

    def __init__(self, tail: Tail, wall: Callable[[], float]) -> None:
        self._tail = tail
        self._wall = wall
        self._begun: dict[str, bytes] = {}

    def __call__(self, stream: str, data: bytes) -> None:
        """Take what was written."""
        tail = self._tail
        if stream in tail.kept:
            tail.keep(_Piece(self._wall(), self, stream, data))
        begun = self._begun.get(stream, b"")
        if not tail.followers:
            end = data.rfind(b"\n") + 1
            rest = data[end:] if end else begun + data
            self._begun[stream] = rest[-LONGEST:] if len(rest) > LONGEST else rest
            return
        *texts, rest = (begun + data).split(b"\n")
        if len(rest) >= LONGEST:
            texts, rest = [*texts, rest], b""
        self._begun[stream] = rest
        self._tell(stream, texts)

    def ended(self) -> None:
        """Take note that the process has ended: its last line is at its end, however it looks."""
        for stream, rest in self._begun.items():
            if rest:
                if stream in self._tail.kept:
                    self._tail.keep(_Piece(self._wall(), self, stream, b"\n"))
                self._tell(stream, [rest])
        self._begun.clear()

    def _tell(self, stream: str, texts: list[bytes]) -> None:
        if texts and self._tail.followers:
            now = self._wall()
            lines = [Line(now, stream, text) for text in texts]
            for follower in tuple(self._tail.followers):
                follower(lines)


class Tails:
    """Those of all replicas.

    Args:
        wall: the wall clock.

    Attributes:
        bound: how many bytes are kept of each.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self.bound = MOST
        self._wall = wall
        self._tails: dict[Key, Tail] = {}
        self._count = 0

    def of(self, spec: ServiceSpec) -> Tail:
        """Return the tail of a replica."""
        tail = self._tails.get(spec.key)
        kept = _kept(spec)
        if tail is None:
            tail = self._tails[spec.key] = Tail(kept, self)
            self._share_out(int(bool(kept)))
        elif tail.kept != kept:
            self._share_out(bool(kept) - bool(tail.kept))
            tail.kept = kept
        return tail

    def tap(self, spec: ServiceSpec) -> Tap:
        """Return what is to hear one more process of a replica."""
        return Tap(self.of(spec), self._wall)

    def forget(self, key: Key) -> None:
        """There is no such replica any more."""
        tail = self._tails.pop(key, None)
        if tail is not None and tail.kept:
            self._share_out(-1)

    def _share_out(self, more: int) -> None:
        """Take note that so many more keep something; a tail that is too long is cut when it grows."""
        self._count += more
        self.bound = max(LEAST, min(MOST, ALL_TOGETHER // max(self._count, 1)))


def _kept(spec: ServiceSpec) -> frozenset[str]:
    found = set()
    if not spec.stdout.discard and spec.stdout.of_container(Stream.STDOUT) is not None:
        found.add("stdout")
    if spec.stderr is not None and spec.stderr.of_container(Stream.STDERR) is not None:
        found.add("stderr")
    return frozenset(found)
