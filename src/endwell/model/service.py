"""A service: one program that is kept running beside others in a container."""

from __future__ import annotations

import math
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.model.restart import RestartPolicy, StartPolicy
from endwell.model.signals import TERM
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.readiness import Dependency, Health, Readiness
    from endwell.model.signals import Signal

_NOTHING: Mapping[str, str] = MappingProxyType({})


class WhenBlocked(Enum):
    """What becomes of a service's output while nobody takes it."""

    BLOCK = "block"  # the service waits, as it would with a pipe
    DROP = "drop"  # lines are dropped and counted


class Prefix(Enum):
    """How a line says who has written it."""

    NONE = "none"
    NAME = "name"  # name | line
    TIME = "time"  # time name | line
    JSON = "json"  # {"time": ..., "service": ..., "stream": ..., "message": ...}


class Stream(Enum):
    """One of the two outputs a process has."""

    STDOUT = "stdout"
    STDERR = "stderr"

    @property
    def descriptor(self) -> int:
        """Its number in every process."""
        return 1 if self is Stream.STDOUT else 2


# In containers these paths are the way to say "the container's own output".
_OF_CONTAINER: Mapping[str, Stream] = MappingProxyType(
    {
        place.format(name=stream.value, number=stream.descriptor): stream
        for stream in Stream
        for place in ("/dev/{name}", "/dev/fd/{number}", "/proc/self/fd/{number}", "/proc/1/fd/{number}")
    }
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a log file is put aside and what becomes of it: never within a line.

    Args:
        size: bytes it never grows beyond, but for the end of a line; None means never by size.
        every: seconds after which it is, by the calendar: 86400 is at midnight; None means never by time.
        keep: how many are kept, apart from the one that is written.
        compress: whether those put aside are compressed with gzip.
    """

    size: int | None = None
    every: float | None = None
    keep: int = 10
    compress: bool = False


@dataclass(frozen=True, slots=True)
class Log:
    """Where one stream of a service goes.

    Args:
        path: a file; empty for the container's own output.
        prefix: how lines are marked; a file is marked with TIME or JSON only, its name says the rest.
        rotation: of the file.
        when_blocked: what becomes of the output while nobody takes it.
        discard: goes nowhere.
        stream: which of the container's own outputs; None: the one of the same name.
        temporary: the file is emptied when the supervisor starts: supervisord's AUTO.
        strip_ansi: whether the escape sequences of colors are left out.
        events: whether listeners are told what is written.
        capture: bytes of a message to listeners that are kept, of those between two tokens; 0: it is output.
    """

    path: str = ""
    prefix: Prefix = Prefix.NAME
    rotation: Rotation = Rotation()
    when_blocked: WhenBlocked = WhenBlocked.BLOCK
    discard: bool = False
    stream: Stream | None = None
    temporary: bool = False
    strip_ansi: bool = False
    events: bool = False
    capture: int = 0

    def of_container(self, stream: Stream) -> Stream | None:
        """Return which of the container's own outputs `stream` goes to; None for a file and for nowhere."""
        if self.discard:
            return None
        return _OF_CONTAINER.get(self.path) if self.path else self.stream or stream


@dataclass(frozen=True, slots=True)
class Hook:
    """A command that is run when something happens.

    Args:
        command: its words; no shell.
        timeout: seconds after which it is killed and its end no longer waited for.
    """

    command: tuple[str, ...]
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is run before and after the start and the stop of a service, in order.

    Args:
        before_start: if one of them fails, that is a failed start.
        after_start: once it is ready; nobody waits for them.
        before_stop: while it still serves; it is told to end when they are done.
        after_stop: after every end of its process, before it is started again: as systemd's ExecStopPost.
    """

    before_start: tuple[Hook, ...] = ()
    after_start: tuple[Hook, ...] = ()
    before_stop: tuple[Hook, ...] = ()
    after_stop: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class SocketSpec:
    """A socket that listens, and that the processes of a service find as their descriptor 0: FastCGI's way.

    Args:
        path: of a Unix socket; empty for TCP.
        host: of a TCP socket; empty for every interface.
        port: of a TCP socket.
        owner: of a Unix socket, user and group number; -1 leaves it, and so does None.
        mode: of a Unix socket; None: as the umask has it.
        backlog: how many connections may wait; None: as many as the system allows.
    """

    path: str = ""
    host: str = ""
    port: int = 0
    owner: tuple[int, int] | None = None
    mode: int | None = None
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """What a service is told that listens to events: its stdin and stdout belong to supervisord's protocol.

    All listeners of a group share the events between them.

    Args:
        events: by supervisord's names.
        buffer_size: how many wait for a free listener before the oldest is dropped.
    """

    events: tuple[str, ...]
    buffer_size: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """A service as its file describes it, everything expanded: one of its replicas has one of these each.

    Args:
        name: the service's own, as the user calls it; a replica's is `name`, `index` apart.
        index: which of its replicas, from 0.
        replicas: how many there are.
        group: those who are started, stopped and named together; the service's name unless it says otherwise.
        process: its name in its group, where people know it by that, as with supervisord.
        command: the words that are executed; no shell.
        autostart: whether it is started with the others.
        start: what counts as started, and how often it is tried.
        restart: what is done when it ends by itself.
        after: what has to be reached by others before it is started, and who is stopped only after it.
        priority: among those who wait for nobody, who is started first: the lower number.
        group_priority: likewise of its group, which comes before; None: as `priority`.
        ready: when it is ready; None: as soon as it counts as started.
        health: how its health is asked for; None: it is not.
        stop_signal: what it is told to end by.
        stop_timeout: seconds from then to SIGKILL, cut to what is left of the container's grace.
        drain: seconds between being no longer ready and the stop signal.
        stop_group: whether its whole process group gets the stop signal, or it alone.
        environment: in addition to the supervisor's.
        user: a name or number, or two with a colon between them.
        directory: the working directory.
        umask: of its files; None: the supervisor's.
        nice: added to the supervisor's.
        limits: soft and hard, by the names of prlimit(1) such as `nofile`; -1 is no limit.
        stdout: where it goes.
        stderr: where it goes; None: with stdout.
        hooks: what is run around its start and stop.
        stdin_open: whether its standard input can be written to; it is empty otherwise.
        listener: what it is told of others; None: it does not listen.
        socket: its standard input; None: there is another one, or none.
    """

    name: str
    index: int = 0
    replicas: int = 1
    group: str = ""
    process: str = ""
    command: tuple[str, ...]
    autostart: bool = True
    start: StartPolicy = field(default_factory=StartPolicy)
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    after: tuple[Dependency, ...] = ()
    priority: int = 999
    group_priority: int | None = None
    ready: Readiness | None = None
    health: Health | None = None
    stop_signal: Signal = TERM
    stop_timeout: float = 10.0
    drain: float = 0.0
    stop_group: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    user: str | None = None
    directory: str | None = None
    umask: int | None = None
    nice: int = 0
    limits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    stdout: Log = Log()
    stderr: Log | None = None
    hooks: Hooks = Hooks()
    stdin_open: bool = False
    listener: Listening | None = None
    socket: SocketSpec | None = None

    def __post_init__(self) -> None:
        hooks = (*self.hooks.before_start, *self.hooks.before_stop, *self.hooks.after_stop)
        times = {"stop_timeout": self.stop_timeout, "drain": self.drain}
        for name, value in [*times.items(), *(("a hook's timeout", hook.timeout) for hook in hooks)]:
            # A stop that may take for ever cannot be part of one that has to be over in time.
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} of {self.name} must be a length of time, not {value}")

    @property
    def key(self) -> tuple[str, int]:
        """Which replica of which service: no two of a project have the same."""
        return self.name, self.index

    @property
    def rank(self) -> int:
        """Its group's priority, or its own where the group has none: who is started first, and told last."""
        return self.priority if self.group_priority is None else self.group_priority

    @property
    def label(self) -> str:
        """The replica for people, counted from 1 as compose counts: `web`, or `web-1` if there are more.

        Of a supervisord.conf it is what supervisorctl calls it: `web`, or `web:web_00`.
        """
        if self.process:
            return self.process if self.group in {"", self.process} else f"{self.group}:{self.process}"
        return f"{self.name}-{self.index + 1}" if self.replicas > 1 else self.name

    @property
    def drain_time(self) -> float:
        """Seconds between being no longer ready and the stop signal, at the most, hooks included."""
        return max(self.drain, sum(hook.timeout for hook in self.hooks.before_stop))

    @property
    def cleaning_time(self) -> float:
        """Seconds its after-stop hooks may take."""
        return sum(hook.timeout for hook in self.hooks.after_stop)

    @property
    def longest_stop(self) -> float:
        """Seconds from the moment it is asked to stop until it and its hooks are over, at the most."""
        return self.drain_time + self.stop_timeout + self.cleaning_time
