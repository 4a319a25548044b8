"""Takes what services write to where it belongs, and never makes anybody wait for it but the one who writes.

Each process has a pipe for each of its streams (`Reader`), which is read in the loop for as long as somebody
holds its other end: a process left behind by a service goes on being heard. What is read goes to a place
(`Sink`): the container's stdout or stderr, or a file; those who name the same place share it, so that their
lines are never mixed, and a file is put aside by one hand only.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
from typing import TYPE_CHECKING

from endwell.machine.capture_mode import CaptureMode
from endwell.machine.escapes import Escapes
from endwell.machine.marks import Marks
from endwell.machine.outbox import UNREAD, Share, Writer
from endwell.model.readiness import Means
from endwell.model.service import Prefix, Stream
from endwell.supervise.logs.compressor import Compressor
from endwell.supervise.logs.file import LogFile
from endwell.supervise.logs.outlets import PipeOutlets
from endwell.supervise.logs.pipe import away, pipe
from endwell.supervise.logs.places import Places
from endwell.supervise.logs.reader import Reader
from endwell.supervise.logs.sink import UNWRITTEN, Sink
from endwell.supervise.logs.stamp import Stamp
from endwell.supervise.logs.users import Users
from endwell.system.output import open_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.model.service import Log, ServiceSpec
    from endwell.supervise.logs.places import Place
    from endwell.supervise.streams import Watcher

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

    Attributes:
        outlived: whether those who write are to go on should we be killed.
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
        self.outlived = False
        self._standard = standard
        self._users = Users(Places(standard))
        self._sinks: dict[Place, Sink] = {}
        self._readers: dict[Reader, None] = {}  # in the order in which they were opened
        self._beside: dict[Share, list[Reader]] = {}  # likewise, those of one stream of one service
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
        for spec in specs:
            self._users.add(spec)
        self._width = self._users.width
        self._shares = {
            key: one for key, one in self._shares.items() if self._users.knows(*key[:2]) or one.waiting
        }
        for place in [one for one in self._sinks if one not in self._users]:
            if not self._sinks[place].readers and self._sinks[place].empty:
                self._sinks.pop(place).close()

    def paths(self, spec: ServiceSpec) -> tuple[str | None, str | None]:
        """Return the log files of stdout and of stderr; None where it is not a file."""
        places = [place for _, _, place in self._users.of(spec)]
        out, err = (place if isinstance(place, str) else None for place in (*places, None)[:2])
        return out, err

    # ------------------------------------------------------------------------------------------------ Streams

    def open(self, spec: ServiceSpec) -> PipeOutlets:
        """As `Streams.open`; that a disk is full at the moment is no error."""
        outlets = PipeOutlets()
        try:
            for stream, log, place in self._users.add(spec):
                outlets.add(stream.value, *self._open(spec, stream, log, place))
        except OSError:
            outlets.close()
            outlets.ended()
            raise
        return outlets

    def adopt(self, spec: ServiceSpec, stream: Stream, reading: int) -> None:
        """Read a pipe to which a replica writes already: another supervisor has made it.

        Raises:
            OSError: where it goes cannot be opened.
        """
        for own, log, place in self._users.add(spec):
            if own is stream:
                self._read(spec, stream, log, place, reading)
                return
        os.close(reading)

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

    def _open(
        self, spec: ServiceSpec, stream: Stream, log: Log, place: Place | None
    ) -> tuple[int, Reader | None]:
        if place is None and not _read_anyway(spec, stream, log):
            return away(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)), None
        reading, writing = pipe(outlived=self.outlived)
        try:
            return writing, self._read(spec, stream, log, place, reading)
        except OSError:
            os.close(reading)
            os.close(writing)
            raise

    def _read(self, spec: ServiceSpec, stream: Stream, log: Log, place: Place | None, reading: int) -> Reader:
        sink = None if place is None else self._sink(place, log)
        prefix = Prefix.NONE if log.prefix is Prefix.NAME and not isinstance(place, Stream) else log.prefix
        writer = Writer(Marks(prefix, spec.label, stream.value, self._stamp, self._width))
        if place is not None:
            writer.share = self._shares.setdefault((place, spec.label, stream), Share(log.when_blocked))
        reader = Reader(
            reading,
            sink,
            writer,
            self._watcher,
            self._wall,
            passing=prefix is Prefix.NONE and place is not None and self._users.alone(place),
            escapes=Escapes() if log.strip_ansi else None,
            capture=CaptureMode(log.capture) if log.capture else None,
        )
        self._readers[reader] = None
        beside = self._beside.setdefault(writer.share, [])
        beside.append(reader)
        reader.on_close = self._closed
        stalled = [one for one in beside if one.stalled]
        for one in stalled[:-_STALLED]:
            # One that ends and is started again, over and over, would fill all our descriptors.
            one.abandon(UNREAD)
        return reader

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
        beside = self._beside[reader.writer.share]
        beside.remove(reader)
        if not beside:
            del self._beside[reader.writer.share]

    def _taken(self) -> int:
        return sum(sink.written for sink in self._sinks.values())

    def _set_alarm(self) -> None:
        at = min((sink.retry_at for sink in self._sinks.values()), default=math.inf)
        at = min(at, self._stuck_at)
        self._watcher.wake_at(None if at == math.inf else at)

    @staticmethod
    def _name(place: Place | None) -> str:
        return f"the container's {place.value}" if isinstance(place, Stream) else str(place)


def _read_anyway(spec: ServiceSpec, stream: Stream, log: Log) -> bool:
    """Whether somebody has to see what a stream says that goes nowhere."""
    by_log = spec.ready is not None and spec.ready.means is Means.LOG
    heard = spec.listener is not None and stream is Stream.STDOUT
    return by_log or heard or log.events or log.capture > 0


def _tolerantly(open_file: Callable[[], None]) -> None:
    try:
        open_file()
    except OSError as error:
        if error.errno not in _PASSING:
            raise
