"""Every key of a service and of the whole endwell.toml: its kind, what it says, what holds without it."""

from __future__ import annotations

from endwell.model.signals import Signal
from endwell.parse import words
from endwell.parse.services.compounds import Command, Either, Key, Pairs, Several, Table
from endwell.parse.services.kinds import Length, Switch, Text, Whole
from endwell.parse.services.tables import (
    AFTER,
    HEALTH,
    HOOKS,
    INFINITE,
    LIMIT_VALUE,
    LOGS,
    PATH,
    READY,
    READY_TEST,
    RESTART,
    START,
    TEST,
)
from endwell.parse.services.unknown import check_name
from endwell.parse.web import listen


def _signal(value: str) -> Signal:
    try:
        return Signal.parse(value)
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"{value!r} ")) from None


def _umask(value: str) -> int:
    if not 1 <= len(value) <= 4 or not set(value) <= set("01234567") or int(value, 8) > 0o777:  # noqa: PLR2004
        raise ValueError("is not an octal number up to 777: write for example 022")
    return int(value, 8)


def _variable(name: str) -> None:
    if not name or "=" in name or "\0" in name:
        raise ValueError("is not the name of a variable: write letters, digits and _")


def _limit(name: str) -> None:
    if name not in words.LIMITS:
        raise ValueError("is no limit: write names of prlimit(1) such as nofile")


_VALUE = Text("a text", str, numbers=True)

SERVICE_KEYS = (
    Key("command", Command(), "what is run: a text is split into words as by a shell, but no shell runs it"),
    Key(
        "restart",
        Either(
            Text(
                "no, on-failure, on-failure:5, always or unless-stopped",
                words.restart,
                ("on-failure:5", "always"),
            ),
            RESTART,
        ),
        "whether it is started again when it ends; as docker run --restart",
        "no",
    ),
    Key("start", START, "what counts as started, and how often it is tried"),
    Key(
        "after",
        AFTER,
        "who has to be started, ready or completed first; they are stopped only when this one has ended",
        "nobody",
    ),
    Key(
        "ready",
        Either(Text(READY_TEST, words.readiness, ("tcp:5432", "notify")), READY),
        "when it is ready",
        "as soon as started",
    ),
    Key(
        "health",
        Either(Text(TEST, words.health, ("http://localhost/health",)), HEALTH),
        "how its health is asked for",
        "not at all",
    ),
    Key(
        "stop-signal",
        Text("a signal", _signal, ("TERM", "QUIT", "INT"), numbers=True),
        "what tells it to end",
        "TERM",
    ),
    Key(
        "stop-timeout",
        Length(),
        "from then to SIGKILL; cut to what is left of the grace",
        "10s, or the grace",
    ),
    Key("stop-group", Switch(), "whether its whole process group is sent the stop signal", "false"),
    Key("drain", Length(), "between being no longer ready and the stop signal", "0s"),
    Key(
        "environment",
        Either(
            Several(Text("NAME=value", str), "a list of NAME=value"),
            Pairs(_VALUE, "a table of names and values", _variable),
        ),
        "variables, in addition to endwell's own",
    ),
    Key(
        "env-file",
        Several(PATH, "a path, or a list of paths", alone=True),
        "files of variables in Docker's grammar, relative to this file; environment wins over them",
    ),
    Key(
        "user",
        Text("USER, UID, or USER:GROUP", str, ("www-data", "1000:1000"), numbers=True, filled=True),
        "who runs it",
        "endwell's own",
    ),
    Key("working-directory", PATH, "where it runs", "endwell's own"),
    Key("replicas", Whole(1, words.MOST_REPLICAS), "how many of it run", "1"),
    Key("umask", Text("an octal number", _umask, ("022", "077")), "of the files it makes", "endwell's own"),
    Key("nice", Whole(-40, 40), "added to endwell's own", "0"),
    Key(
        "limits",
        Pairs(LIMIT_VALUE, "a table such as { nofile = 65536 }", _limit, words.LIMITS),
        "limits by the names of prlimit(1)",
    ),
    Key(
        "logs",
        Either(Text("container, none or a path", str, filled=True), LOGS),
        "where its output goes",
        "container",
    ),
    Key("hooks", HOOKS, "what is run around its start and stop"),
    Key(
        "stdin-open",
        Switch(),
        "whether its standard input stays open, for what `endwell attach` sends; without it, it is empty",
        "false",
    ),
    Key("autostart", Switch(), "whether it is started with the others", "true"),
    Key(
        "group",
        Text("a name", str, filled=True),
        "those that are started, stopped and named together",
        "its own name",
    ),
    Key(
        "priority",
        Whole(-1_000_000_000, 1_000_000_000),
        "among those who wait for nobody, who is started first: the lower",
        "999",
    ),
    Key(
        "group-priority",
        Whole(-1_000_000_000, 1_000_000_000),
        "likewise of its group, which comes before",
        "as priority",
    ),
)
FOREIGN = {
    "args": "write the arguments behind the command",
    "autorestart": "did you mean restart?",
    "build": "endwell runs programs, not images; write command",
    "container-name": "the name is that of the table, [services.NAME]",
    "cwd": "did you mean working-directory?",
    "cmd": "did you mean command?",
    "depends-on": "did you mean after?",
    "deploy": "did you mean replicas?",
    "directory": "did you mean working-directory?",
    "entrypoint": "did you mean command?",
    "env": "did you mean environment?",
    "expose": "the ports are those of the container; leave it out",
    "healthcheck": "did you mean health?",
    "image": "endwell runs programs, not images; write command",
    "labels": "there are none; leave it out, or write x-labels",
    "logging": "did you mean logs?",
    "networks": "the network is that of the container; leave it out",
    "numprocs": "did you mean replicas?",
    "ports": "the ports are those of the container; leave it out",
    "readiness": "did you mean ready?",
    "scale": "did you mean replicas?",
    "startretries": "did you mean start.retries?",
    "startsecs": "did you mean start.window?",
    "stdout-logfile": "did you mean logs?",
    "stop-grace-period": "did you mean stop-timeout?",
    "stopsignal": "did you mean stop-signal?",
    "stopwaitsecs": "did you mean stop-timeout?",
    "ulimits": "did you mean limits?",
    "volumes": "the files are those of the container; leave it out",
    "workdir": "did you mean working-directory?",
    "working-dir": "did you mean working-directory?",
}
_REPLICA = tuple(key for key in SERVICE_KEYS if key.name != "replicas")
# What is needed is asked for when the defaults have been put below a service.
SERVICE = Table(
    (
        *SERVICE_KEYS,
        Key(
            "replica",
            Pairs(Table(_REPLICA, "a table of a service's keys", FOREIGN), "a table of replicas by number"),
            "what is different with one of its replicas, by its number from 1",
        ),
    ),
    "a table of a service's keys",
    FOREIGN,
)
DEFAULTS = Table(_REPLICA, "a table of a service's keys", FOREIGN)
STOP = Table(
    (
        Key(
            "grace",
            Length(INFINITE),
            "what the engine gives the container from the stop signal to SIGKILL",
            "10s",
        ),
        Key(
            "by-priority",
            Switch(),
            "whether services of a lower priority (that of their group, if it has one) are told only when "
            "those of all higher ones have ended, as with supervisord; it has no effect where any service "
            "says after",
            "false",
        ),
    ),
    "a table",
    {
        "priority": "did you mean by-priority?",
        "timeout": "did you mean grace?",
        "stop-timeout": "did you mean grace?",
        "grace-period": "did you mean grace?",
    },
)
CONTROL = Table(
    (
        Key(
            "socket",
            Text("a path, @NAME or none", str, ("/run/web.sock", "none"), filled=True),
            "where clients connect; @NAME is in the abstract namespace",
            "/run/endwell.sock, or where it can be",
        ),
    ),
    "a table",
    {"path": "did you mean socket?", "file": "did you mean socket?"},
)
WEB = Table(
    (
        Key(
            "listen",
            Text("HOST:PORT", listen, ("127.0.0.1:9080", "*:9080"), numbers=True),
            "where the page is; `*` is every interface, and needs a password",
            "127.0.0.1:9080",
        ),
        Key("username", Text("a text", str, numbers=True), "who may see it", "everybody who can connect"),
        Key(
            "password",
            Text("a text", str, numbers=True),
            "plain, or {SHA} and what `sha1sum` prints; needed off loopback",
        ),
    ),
    "a table",
    {
        "address": "did you mean listen?",
        "host": "write it in listen, as HOST:PORT",
        "port": "write it in listen, as HOST:PORT",
        "user": "did you mean username?",
    },
)
EXIT_WHEN = Text(
    "stopped, any-fails, any-exits, all-exit or `SERVICE exits`",
    words.exit_when,
    ("any-fails", "any-exits", "all-exit", "web exits"),
)
PROJECT = Table(
    (
        Key(
            "services",
            Pairs(SERVICE, "tables [services.NAME]", check_name),
            "the services by name",
            needed=True,
        ),
        Key("defaults", DEFAULTS, "what holds for every service that does not say otherwise"),
        Key("stop", STOP, "the end of the container"),
        Key("control", CONTROL, "the socket of `endwell ps` and the like"),
        Key("web", WEB, "a page to look at, and `/metrics`, `/healthz`, `/readyz`", "none"),
        Key("exit-when", EXIT_WHEN, "when the container ends by itself", "stopped: only when it is told to"),
    ),
    "a document",
    {
        "service": "did you mean services?",
        "programs": "did you mean services?",
        "version": "there are no versions; leave it out",
        "grace": "write it below [stop]",
        "networks": "the network is that of the container; leave it out",
        "volumes": "the files are those of the container; leave it out",
    },
)
