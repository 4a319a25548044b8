"""`logs` and `attach`: what services have written, and what they write."""

from __future__ import annotations

import contextlib
from collections import deque
from functools import partial
from heapq import merge
from itertools import islice, repeat
from typing import TYPE_CHECKING

from endwell.machine.effect import Announce
from endwell.machine.reloading import Swapped
from endwell.machine.state import State
from endwell.model.control import ControlError
from endwell.model.service import Prefix, Stream
from endwell.supervise.control.history import History
from endwell.supervise.control.marked import unmarked
from endwell.supervise.control.tails import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from endwell.machine.act import Act
    from endwell.model.control import Value
    from endwell.model.service import Log, ServiceSpec
    from endwell.supervise.control.desk import Desk, Key
    from endwell.supervise.control.exchange import Exchange
    from endwell.supervise.control.tails import Memory

_MOST_HELD = 10_000  # lines that are written while those before them are still being sent
_ENDED = frozenset({State.EXITED, State.STOPPED, State.BACKOFF})


def logs(desk: Desk, exchange: Exchange) -> None:
    """Send what replicas have written, and what they write from now on if the client wants to follow."""
    request = exchange.request
    keys = desk.all_or(request.names("services"))
    tail = None if "tail" not in request.arguments else request.whole("tail")
    if tail is not None and tail < 0:
        raise request.wrong("tail", "how many lines")
    since, follow = request.number_or_none("since"), request.flag("follow", default=False)
    reader = _Reader(desk, exchange, keys)
    reader.begin(tail, follow=follow)
    if follow:
        reader.until_the_end()
        reader.follow_new(request.names("services"))
    exchange.drive(reader.all(tail, since, follow=follow))


def attach(desk: Desk, exchange: Exchange) -> None:
    """Send what a replica writes from now on, and say how its process ends."""
    life = desk.one(exchange.request)
    key = life.spec.key

    def told(act: Act) -> None:
        effect = act.effect
        ends = isinstance(effect, Announce) and effect.was is not effect.state and effect.state in _ENDED
        if act.key == key and ends and life.end is not None:
            name = None if life.end.signal is None else life.end.signal.name
            value = {"status": life.end.status, "signal": name, "state": life.state.name, "why": life.why}
            exchange.offer({"end": value})

    reader = _Reader(desk, exchange, (key,))
    reader.until_the_end()
    reader.follow(life.spec)
    reader.live()
    exchange.at_end(desk.bulletin.read(told))


class _Reader:
    """One who reads what some replicas write."""

    def __init__(self, desk: Desk, exchange: Exchange, keys: tuple[Key, ...]) -> None:
        self._desk = desk
        self._exchange = exchange
        self._specs = [desk.lives[key].spec for key in keys]
        self._memories: dict[Key, Memory] = {}
        self._held: deque[tuple[ServiceSpec, Line]] | None = deque()
        self._missed = 0

    def begin(self, tail: int | None, *, follow: bool) -> None:
        """Let this be the instant from which those are followed of whom no file is read."""
        for spec in self._specs:
            if tail == 0 or not _has_files(spec):
                self._remember(spec, follow=follow)

    def until_the_end(self) -> None:
        """Answer when all is over."""
        self._exchange.at_end(self._desk.bulletin.at_end(self._exchange.ok))

    def follow(self, spec: ServiceSpec) -> None:
        """Hear what a replica writes from now on; it is held back until `live`."""
        self._exchange.at_end(self._desk.tails.of(spec).follow(partial(self._heard, spec)))

    def follow_new(self, names: tuple[str, ...]) -> None:
        """Hear also those of these names that come later, with another file."""

        def told(act: Act) -> None:
            if not isinstance(act.effect, Swapped):
                return
            meant: set[Key] = set()
            with contextlib.suppress(ControlError):  # one of them has gone
                meant.update(self._desk.all_or(names))
            for key in meant.intersection(act.effect.added):
                self.follow(self._desk.lives[key].spec)

        self._exchange.at_end(self._desk.bulletin.read(told))

    def live(self) -> None:
        """Send what was held back, and from now on everything at once."""
        held, self._held = self._held, None
        for spec, line in held or ():
            self._exchange.offer(_value(spec, line))
        if self._missed:
            self._exchange.more({"lost": self._missed})

    def all(self, tail: int | None, since: float | None, *, follow: bool) -> Iterator[bytes]:
        """Send the past: what is in files service by service, and then what is kept here in its order."""
        kept: list[Iterator[tuple[ServiceSpec, Line]]] = []
        seen: set[str] = set()
        for spec in self._specs:
            if spec.key not in self._desk.lives:
                continue  # it has gone meanwhile
            # In one instant: every line is either in what is read now, or heard.
            if spec.key not in self._memories:
                self._remember(spec, follow=follow)
            files = [one for one in _files(self._desk, spec) if tail != 0 and one[2] not in seen]
            histories = [History(path, since) for _, _, path in files]
            kept.append(zip(repeat(spec), self._kept(spec, tail, since)))
            try:
                for (log, stream, path), history in zip(files, histories, strict=True):
                    seen.add(path)
                    texts = history.lines(tail, whole=follow)
                    yield from self._of_file(spec, log, stream, texts, since)
                yield b""
            finally:
                for history in histories:
                    history.close()
        # All of one service are in their order; and never are more of them lines than are sent at once.
        in_order = merge(*kept, key=lambda one: one[1].time or 0.0)
        while some := list(islice(in_order, _AT_ONCE)):
            yield self._sent(some)
        if follow:
            self.live()
        else:
            self._exchange.ok()

    def _remember(self, spec: ServiceSpec, *, follow: bool) -> None:
        self._memories[spec.key] = self._desk.tails.of(spec).lines(whole=follow)
        if follow:
            self.follow(spec)

    def _kept(self, spec: ServiceSpec, tail: int | None, since: float | None) -> Iterator[Line]:
        memory = self._memories.pop(spec.key)
        wanted = (line for line in memory if _wanted(line, since))
        if tail is None:
            return wanted
        before = sum(_wanted(line, since) for line in memory) - tail
        return islice(wanted, max(before, 0), None)

    def _of_file(
        self, spec: ServiceSpec, log: Log, stream: str, texts_of: Iterator[list[bytes]], since: float | None
    ) -> Iterator[bytes]:
        marked = log.prefix in {Prefix.TIME, Prefix.JSON}
        for texts in texts_of:
            lines = (unmarked(text, stream) if marked else Line(None, stream, text) for text in texts)
            yield self._sent((spec, line) for line in lines if _wanted(line, since))

    def _sent(self, lines: Iterable[tuple[ServiceSpec, Line]]) -> bytes:
        return b"".join(self._exchange.line(_value(spec, line)) for spec, line in lines)

    def _heard(self, spec: ServiceSpec, lines: list[Line]) -> None:
        if self._held is None:
            self._exchange.offer(*(_value(spec, line) for line in lines))
        elif len(self._held) < _MOST_HELD:
            self._held.extend((spec, line) for line in lines)
        else:
            self._missed += len(lines)


_AT_ONCE = 500


def _wanted(line: Line, since: float | None) -> bool:
    return since is None or line.time is None or round(line.time, 6) >= since


def _has_files(spec: ServiceSpec) -> bool:
    both = ((spec.stdout, Stream.STDOUT), (spec.stderr, Stream.STDERR))
    return any(log and not log.discard and log.of_container(stream) is None for log, stream in both)


def _files(desk: Desk, spec: ServiceSpec) -> Iterator[tuple[Log, str, str]]:
    paths = desk.capture.paths(spec)
    for log, stream, path in zip((spec.stdout, spec.stderr), Stream, paths, strict=True):
        if log is not None and path is not None:
            yield log, stream.value, path


def _value(spec: ServiceSpec, line: Line) -> Value:
    return {
        "label": spec.label,
        "service": spec.name,
        "replica": spec.index + 1,
        "stream": line.stream,
        "time": None if line.time is None else round(line.time, 6),
        "text": line.text.decode(errors="surrogateescape"),
    }
