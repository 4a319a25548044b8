"""Takes what services write to where it belongs, and never makes anybody wait for it but the one who writes.

Each process has a pipe for each of its streams (`Reader`), which is read in the loop for as long as somebody
holds its other end: a process left behind by a service goes on being heard. What is read goes to a place
(`Sink`): the container's stdout or stderr, or a file; those who name the same place share it, so that their
lines are never mixed, and a file is put aside by one hand only.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH100, PTH116

from __future__ import annotations

import contextlib
import errno
import math
import os
from typing import TYPE_CHECKING

from endwell.machine.escapes import Escapes
from endwell.machine.marks import Marks
from endwell.machine.outbox import UNREAD, Share, Writer
from endwell.model.readiness import Means
from endwell.model.service import Prefix, Stream
from endwell.supervise.logs.compressor import Compressor
from endwell.supervise.logs.file import LogFile
from endwell.supervise.logs.outlets import PipeOutlets
from endwell.supervise.logs.pipe import away, pipe
from endwell.supervise.logs.reader import Reader
from endwell.supervise.logs.sink import UNWRITTEN, Sink
from endwell.supervise.logs.stamp import Stamp
from endwell.system.output import open_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.model.service import Log, ServiceSpec
    from endwell.supervise.streams import Watcher

    # The container's own, or the path of a file.
    Place = Stream | str

# What may be over in a moment: no reason not to start a service. Others are mistakes somebody has to see.
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE})
_STALLED = 4  # pipes of processes that have ended which are kept for one stream while nobody takes its lines
_PATIENCE = 1.0


class Capture:
    """The `Streams` of a project.

    Args:
        watcher: of the loop.
        now: the monotonic clock.
        wall: the wall clock.
        say: told in one line what goes wrong.
        standard: the container's own stdout and stderr.
    """

    def __init__(
        self,
        watcher: Watcher,
        now: Callable[[], float],
        wall: Callable[[], float],
        say: Callable[[str], None],
        standard: tuple[int, int] = (1, 2),
    ) -> None:
        self._watcher = watcher
        self._now = now
        self._wall = wall
        self._say = say
        self._standard = standard
        self._same = _identity(standard[0]) == _identity(standard[1])
        self._sinks: dict[Place, Sink] = {}
        self._readers: dict[Reader, None] = {}  # in the order in which they were opened
        self._users: dict[Place, set[tuple[str, int, Stream]]] = {}
        self._compressor = Compressor()
        self._stamp = Stamp()
        self._width = 0
        self._shares: dict[tuple[Place, str, Stream], Share] = {}
        self._finishing = False
        self._written = 0
        self._stuck_at = math.inf  # when to give up, should nothing more be taken until then
        self._stuck = False

    # ------------------------------------------------------------------------------------------ what is known

    def expect(self, specs: Iterable[ServiceSpec]) -> None:
        """Take note of all services of the project, in place of those named before.

        Who is known to be alone at a place may have its lines passed on before they are complete, and names
        on the container's own output stand in columns.
        """
        self._users.clear()
        known: set[tuple[Place, str]] = set()
        for spec in specs:
            known.update((place, spec.label) for place in self._register(spec))
        names = (len(label) for place, label in known if isinstance(place, Stream))
        self._width = max(names, default=0)
        self._shares = {key: one for key, one in self._shares.items() if key[:2] in known or one.waiting}
        for place in [one for one in self._sinks if one not in self._users]:
            if not self._sinks[place].readers and self._sinks[place].empty:
                self._sinks.pop(place).close()

    def paths(self, spec: ServiceSpec) -> tuple[str | None, str | None]:
        """Return the log files of stdout and of stderr; None where it is not a file."""
        places = [self._place(log, stream) for stream, log in _logs(spec)]
        out, err = (place if isinstance(place, str) else None for place in (*places, None)[:2])
        return out, err

    # ------------------------------------------------------------------------------------------------ Streams

    def open(self, spec: ServiceSpec) -> PipeOutlets:
        """As `Streams.open`; that a disk is full at the moment is no error."""
        self._register(spec)
        outlets = PipeOutlets()
        try:
            for stream, log in _logs(spec):
                outlets.add(stream.value, *self._open(spec, stream, log))
        except OSError:
            outlets.close()
            outlets.ended()
            raise
        return outlets

    def tick(self, now: float) -> None:
        """As `Streams.tick`."""
        for sink in tuple(self._sinks.values()):
            if sink.retry_at <= now:
                sink.pump()
        if now >= self._stuck_at:
            written, self._written = self._written, self._taken()
            self._stuck = written == self._written
            self._stuck_at = math.inf if self._stuck else now + _PATIENCE
        self._set_alarm()

    def reopen(self) -> None:
        """As `Streams.reopen`."""
        for sink in tuple(self._sinks.values()):
            if isinstance(sink.output, LogFile):
                sink.detach()
                sink.output.reopen()
                sink.pump()

    def clear(self, spec: ServiceSpec) -> None:
        """Empty the log files of a service.

        Raises:
            OSError: that cannot be done.
        """
        for path in filter(None, self.paths(spec)):
            sink = self._sinks.get(path)
            if sink is None:
                with contextlib.suppress(FileNotFoundError):
                    os.truncate(path, 0)
            elif isinstance(sink.output, LogFile):
                sink.detach()
                sink.output.clear()
                sink.pump()

    def finish(self) -> None:
        """As `Streams.finish`."""
        self._finishing = True
        for reader in tuple(self._readers):
            reader.finish()
        if self._stuck_at == math.inf and not self.empty:
            self._written, self._stuck_at = self._taken(), self._now() + _PATIENCE
            self._set_alarm()

    @property
    def empty(self) -> bool:
        """As `Streams.empty`.

        At the end, nobody waits for a place that takes nothing but errors, or nothing at all for a second: a
        stop is not to last as long as it may because nobody reads what was said.
        """
        if self._readers:
            return self._stuck
        sinks = self._sinks.values()
        return self._stuck or all(one.empty or (self._finishing and one.outbox.failure) for one in sinks)

    def close(self) -> tuple[str, ...]:
        """As `Streams.close`."""
        self.finish()
        for reader in tuple(self._readers):
            reader.abandon(UNWRITTEN)
        told = [
            f"{self._name(place)}: {left} bytes dropped: {UNWRITTEN}"
            for place, sink in self._sinks.items()
            if (left := sink.close())
        ]
        self._sinks.clear()
        self._compressor.close()
        self._watcher.wake_at(None)
        for (_, label, stream), share in self._shares.items():
            if share.unsaid.size:
                told.append(f"{label} {stream.value}: {share.unsaid}")
        return tuple(told)

    # -------------------------------------------------------------------------------------------------- parts

    def _register(self, spec: ServiceSpec) -> list[Place]:
        places = []
        for stream, log in _logs(spec):
            if (place := self._place(log, stream)) is not None:
                self._users.setdefault(place, set()).add((*spec.key, stream))
                places.append(place)
        return places

    def _place(self, log: Log, stream: Stream) -> Place | None:
        if log.discard:
            return None
        own = log.of_container(stream)
        if own is None and log.temporary:
            return os.path.abspath(log.path)  # its name can be guessed: a link is not followed
        if own is None:
            path = os.path.abspath(log.path)
            with contextlib.suppress(OSError):
                # A file may be a link to /dev/stdout: two hands at one pipe would mix lines.
                status = os.stat(path)
                there = [_identity(number) for number in self._standard]
                if (status.st_dev, status.st_ino) not in there:
                    return os.path.realpath(path)
                own = Stream.STDOUT if there.index((status.st_dev, status.st_ino)) == 0 else Stream.STDERR
            if own is None:
                return os.path.realpath(path)
        return Stream.STDOUT if self._same else own

    def _open(self, spec: ServiceSpec, stream: Stream, log: Log) -> tuple[int, Reader | None]:
        place = self._place(log, stream)
        if place is None and not (spec.ready is not None and spec.ready.means is Means.LOG):
            return away(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)), None
        sink = None if place is None else self._sink(place, log)
        prefix = Prefix.NONE if log.prefix is Prefix.NAME and not isinstance(place, Stream) else log.prefix
        writer = Writer(Marks(prefix, spec.label, stream.value, self._stamp, self._width))
        if place is not None:
            writer.share = self._shares.setdefault((place, spec.label, stream), Share(log.when_blocked))
        reading, writing = pipe()
        reader = Reader(
            reading,
            sink,
            writer,
            self._watcher,
            self._wall,
            passing=prefix is Prefix.NONE and place is not None and len(self._users[place]) == 1,
            escapes=Escapes() if log.strip_ansi else None,
        )
        self._readers[reader] = None
        reader.on_close = self._closed
        stalled = [one for one in self._readers if one.stalled and one.writer.share is writer.share]
        for one in stalled[:-_STALLED]:
            # One that ends and is started again, over and over, would fill all our descriptors.
            one.abandon(UNREAD)
        return writing, reader

    def _sink(self, place: Place, log: Log) -> Sink:
        sink = self._sinks.get(place)
        if sink is None:
            if isinstance(place, Stream):
                output = open_output(self._standard[place.descriptor - 1])
                sink = Sink(self._name(place), output, self._watcher, self._now, self._say)
            else:
                sink = self._file_sink(place, log)
            sink.on_alarm = self._set_alarm
            self._sinks[place] = sink
        elif isinstance(sink.output, LogFile) and not sink.readers and sink.empty:
            # Nobody has written for a while: the file may have been removed meanwhile.
            sink.output.reopen()
            _tolerantly(sink.output.open)
        return sink

    def _file_sink(self, path: str, log: Log) -> Sink:
        file = LogFile(path, log.rotation, self._wall, self._compressor, self._say, temporary=log.temporary)
        _tolerantly(file.open)
        return Sink(path, file, self._watcher, self._now, self._say, within=file.within)

    def _closed(self, reader: Reader) -> None:
        del self._readers[reader]

    def _taken(self) -> int:
        return sum(sink.written for sink in self._sinks.values())

    def _set_alarm(self) -> None:
        at = min((sink.retry_at for sink in self._sinks.values()), default=math.inf)
        at = min(at, self._stuck_at)
        self._watcher.wake_at(None if at == math.inf else at)

    @staticmethod
    def _name(place: Place | None) -> str:
        return f"the container's {place.value}" if isinstance(place, Stream) else str(place)


def _logs(spec: ServiceSpec) -> tuple[tuple[Stream, Log], ...]:
    if spec.stderr is None:
        return ((Stream.STDOUT, spec.stdout),)
    return (Stream.STDOUT, spec.stdout), (Stream.STDERR, spec.stderr)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _tolerantly(open_file: Callable[[], None]) -> None:
    try:
        open_file()
    except OSError as error:
        if error.errno not in _PASSING:
            raise
