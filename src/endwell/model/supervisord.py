"""What a supervisord.conf says, in supervisord's own words: names, units and defaults are its own.

The remote interface answers with these values, so they are kept beside what `up` makes of them. Source: the
configuration chapter at supervisord.org, and the measured behavior of supervisord 4.2.5.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.place import Place
    from endwell.model.project import ExitWhen
    from endwell.model.readiness import Dependency, Health, Readiness
    from endwell.model.restart import RestartPolicy, StartPolicy
    from endwell.model.service import Hooks, Prefix, WhenBlocked
    from endwell.model.supervisord_servers import InetServer, RpcInterface, UnixServer
    from endwell.model.web import Web

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Logfile(Enum):
    """What stands in the place of a log file's path."""

    AUTO = "auto"  # a new file in childlogdir


class Autorestart(Enum):
    """After which end a program that had been running is started again."""

    NEVER = "false"
    UNEXPECTED = "unexpected"
    ALWAYS = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What endwell's own keys add to a program; None and empty mean that the key is not there.

    Args:
        after: what has to be reached by others first.
        ready: when it is ready.
        health: how its health is asked for.
        start: instead of what startsecs and startretries say.
        restart: instead of what autorestart says.
        stop_timeout: seconds, instead of stopwaitsecs.
        drain: seconds between being no longer ready and the stop signal.
        nice: added to the supervisor's.
        limits: soft and hard, by name; -1 is no limit.
        prefix: how its lines are marked on the container's own output.
        when_blocked: what becomes of its output while nobody takes it.
        rotate_every: seconds after which a log file is put aside.
        compress: whether log files put aside are compressed.
        hooks: what is run around its start and stop.
    """

    after: tuple[Dependency, ...] = ()
    ready: Readiness | None = None
    health: Health | None = None
    start: StartPolicy | None = None
    restart: RestartPolicy | None = None
    stop_timeout: float | None = None
    drain: float = 0.0
    nice: int = 0
    limits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    prefix: Prefix | None = None
    when_blocked: WhenBlocked | None = None
    rotate_every: float | None = None
    compress: bool = False
    hooks: Hooks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One stream of a program: the six options that begin with `stdout_`, or with `stderr_`.

    Args:
        logfile: a path; None and empty: nowhere.
        logfile_maxbytes: at which size it is put aside; 0: never.
        logfile_backups: how many are kept.
        capture_maxbytes: how much between the two capture tokens is kept; 0: nothing is captured.
        events_enabled: whether what is written becomes events.
        syslog: whether it goes to syslog too.
    """

    logfile: str | Logfile | None = Logfile.AUTO
    logfile_maxbytes: int = 50 * 1024 * 1024
    logfile_backups: int = 10
    capture_maxbytes: int = 0
    events_enabled: bool = False
    syslog: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process of a [program:x], [fcgi-program:x] or [eventlistener:x] section, everything expanded.

    Args:
        section: the section's name as written; `program` is the part after the colon.
        program: what %(program_name)s stands for.
        process_num: which of its processes, from numprocs_start.
        numprocs_start: the number of the first one.
        numprocs: how many there are.
        name: what process_name has become.
        command: one line, split like a shell's but without a shell.
        words: the same split; empty where it cannot be.
        uid: the number of `user`.
        user: as written.
        stopsignal: its number; 0 is none, which supervisord accepts.
        environment: the section's and, below it, [supervisord]'s.
        serverurl: what the program finds in SUPERVISOR_SERVER_URL; None: the supervisor's own.
        place: where the section begins.
        own: what endwell's own keys add.
    """

    section: str
    program: str
    process_num: int = 0
    numprocs_start: int = 0
    numprocs: int = 1
    name: str
    command: str
    words: tuple[str, ...] = ()
    directory: str | None = None
    umask: int | None = None
    priority: int = 999
    autostart: bool = True
    autorestart: Autorestart = Autorestart.UNEXPECTED
    startsecs: int = 1
    startretries: int = 3
    uid: int | None = None
    user: str | None = None
    stopsignal: int = 15
    stopwaitsecs: int = 10
    stopasgroup: bool = False
    killasgroup: bool = False
    exitcodes: tuple[int, ...] = (0,)
    redirect_stderr: bool = False
    stdout: Output = Output()
    stderr: Output = Output()
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    serverurl: str | None = None
    place: Place
    own: Own = field(default_factory=Own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Programs that are named together: a [group:x] section, or a program that is in none.

    Args:
        name: unique among those that run; of two groups with one name only the first ever runs.
        priority: the lower number is started first and stopped last.
        programs: its processes.
        place: where its section begins.
    """

    name: str
    priority: int = 999
    programs: tuple[Program, ...] = ()
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class EventListener(Group):
    """The processes of an [eventlistener:x] section, which share the events between them.

    Args:
        events: names of event types, sorted.
        buffer_size: how many events wait for a free listener before the oldest is dropped.
        result_handler: the entry point that judges an answer.
    """

    events: tuple[str, ...]
    buffer_size: int = 10
    result_handler: str = "supervisor.dispatchers:default_handler"


@dataclass(frozen=True, slots=True, kw_only=True)
class FastCgiSocket:
    """The socket that the processes of an [fcgi-program:x] section find as descriptor 0.

    Args:
        url: unix:///path or tcp://host:port.
        path: of a Unix socket; empty for TCP.
        host: of a TCP socket; empty for Unix.
        port: of a TCP socket.
        owner: user and group number; None: they stay as they are, -1: this one does.
        mode: of a Unix socket.
        backlog: None: the system's own.
    """

    url: str
    path: str = ""
    host: str = ""
    port: int = 0
    owner: tuple[int, int] | None = None
    mode: int | None = None
    backlog: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FastCgi(Group):
    """The processes of an [fcgi-program:x] section that is in no group: in a group it has no socket."""

    socket: FastCgiSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisord:
    """A whole supervisord.conf, its includes with it.

    Args:
        logfile: an absolute path, or `syslog`.
        logfile_maxbytes: at which size it is put aside; 0: never.
        loglevel: 50 critical, 40 error, 30 warn, 20 info, 10 debug, 5 trace, 3 blather.
        pidfile: an absolute path.
        umask: of the supervisor, which applies it only when it daemonizes; so it is with `directory`.
        user: whom the supervisor becomes; `uid` and `gid` are the numbers.
        childlogdir: where AUTO log files go; empty where there is no directory to write to.
        environment: of [supervisord]; it is in every program's own, too.
        groups: in the order in which they are started.
        inet_servers: in the file's order.
        unix_servers: in the file's order.
        serverurl: what programs find in SUPERVISOR_SERVER_URL; None without a server.
        grace: seconds the container has for its end (endwell_grace); None: not said.
        exit_when: when the container ends by itself (endwell_exit_when); None: not said.
        stop_by_priority: whether priorities order the stop, too (endwell_stop_by_priority); None: not said.
        socket: where endwell's own clients connect (endwell_socket); empty: not said.
        web: where the page is (endwell_web_listen); None: nowhere.
        file: the main file.
        files: every file that was read, the main one first.
    """

    logfile: str = ""
    logfile_maxbytes: int = 50 * 1024 * 1024
    logfile_backups: int = 10
    loglevel: int = 20
    pidfile: str = ""
    umask: int = 0o022
    nodaemon: bool = False
    silent: bool = False
    minfds: int = 1024
    minprocs: int = 200
    nocleanup: bool = False
    childlogdir: str = ""
    user: str | None = None
    uid: int | None = None
    gid: int | None = None
    directory: str | None = None
    strip_ansi: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    identifier: str = "supervisor"
    groups: tuple[Group, ...] = ()
    inet_servers: tuple[InetServer, ...] = ()
    unix_servers: tuple[UnixServer, ...] = ()
    rpc_interfaces: tuple[RpcInterface, ...] = ()
    serverurl: str | None = None
    grace: float | None = None
    exit_when: ExitWhen | None = None
    stop_by_priority: bool | None = None
    socket: str = ""
    web: Web | None = None
    file: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisorctl:
    """The [supervisorctl] section, which is the client's; an absent history file is None."""

    serverurl: str = "http://localhost:9001"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    prompt: str = "supervisor"
    history_file: str | None = None
