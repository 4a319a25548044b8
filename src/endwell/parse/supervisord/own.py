"""endwell's own keys in a supervisord.conf, which supervisord itself passes over.

In [program:x], [fcgi-program:x] and [eventlistener:x]:

| key | value | meaning |
|---|---|---|
| endwell_after | db:ready, migrate:completed | who has to be started, ready or completed first |
| endwell_ready | tcp:5432, http://..., exec:COMMAND, file:/path, log:EXPRESSION, notify, fd:3 | when ready |
| endwell_ready_timeout | 30s | after which it has failed to start; never |
| endwell_ready_every | 100ms | between two questions |
| endwell_health | tcp:5432, http://..., exec:COMMAND, file:/path | how its health is asked for |
| endwell_health_interval | 30s | between two questions |
| endwell_health_timeout | 30s | after which one is answered in the negative |
| endwell_health_start_period | 0s | in which failures do not count |
| endwell_health_retries | 3 | failures in a row that make it unhealthy |
| endwell_unhealthy | restart, mark | what is done then |
| endwell_restart | no, on-failure, on-failure:5, always, unless-stopped | instead of autorestart |
| endwell_restart_delay | 100ms | the first pause; it doubles |
| endwell_restart_delay_max | 1m | the longest pause |
| endwell_restart_jitter | 0 | the share, from 0 to 1, by which it may be shortened at random |
| endwell_restart_reset | 10s | a life this long makes failures forgotten |
| endwell_stop_timeout | 1500ms | instead of stopwaitsecs |
| endwell_drain | 5s | between being no longer ready and the stop signal |
| endwell_nice | 5 | added to the supervisor's |
| endwell_limits | nofile=1024:2048,core=unlimited | limits by prlimit(1)'s names |
| endwell_before_start, _after_start | a command in each line | run around the start |
| endwell_before_stop, _after_stop | a command in each line | run around the stop |
| endwell_hook_timeout | 10s | after which such a command is killed |

In the same sections, or once for all of them in [supervisord]:

| key | value | meaning |
|---|---|---|
| endwell_log_prefix | none, name, time, json | how lines are marked on the container's own output |
| endwell_log_when_blocked | block, drop | what becomes of output while nobody takes it |
| endwell_log_rotate_every | 24h | when a log file is put aside, besides its size |
| endwell_log_compress | true | whether files put aside are compressed |

In [supervisord]:

| key | value | meaning |
|---|---|---|
| endwell_grace | 10s | what the engine gives the container from the stop signal to SIGKILL |
| endwell_exit_when | any-fails, any-exits, all-exit, `web exits` | when the container ends by itself |
| endwell_stop_by_priority | true | whether the lower priority is told only when the higher ones have ended |
| endwell_socket | /run/endwell.sock, none | where `endwell ps` and the like connect |
| endwell_web_listen | 127.0.0.1:9080 | where a browser finds the page, and others `/metrics`; nowhere |
| endwell_web_username, endwell_web_password | kim, plain or {SHA} | who may come in; needed off loopback |

endwell_stop_by_priority is true where groups have different priorities, as that is what supervisord does. It
has no effect where there is an endwell_after, which says it better.

With endwell_restart, startsecs and startretries count only where they are written: Docker knows neither, a
program has started when it is spawned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from endwell.model.readiness import Health, Unhealthy
from endwell.model.restart import DOCKER, StartPolicy, docker
from endwell.model.service import Hooks, Prefix, WhenBlocked
from endwell.model.supervisord import Own
from endwell.parse import words
from endwell.parse.supervisord.policies import restart_policy, start_policy
from endwell.parse.supervisord.types import boolean
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.model.project import ExitWhen
    from endwell.model.readiness import Readiness
    from endwell.model.restart import RestartPolicy
    from endwell.model.supervisord import Program
    from endwell.parse.supervisord.reading import Options

T = TypeVar("T")
D = TypeVar("D")

_READY = ("ready", "ready_timeout", "ready_every")
_HEALTH = ("health_interval", "health_timeout", "health_start_period", "health_retries", "unhealthy")
_RESTART = ("restart_delay", "restart_delay_max", "restart_jitter", "restart_reset")
_STOP = ("stop_timeout", "drain", "nice", "limits")
_HOOKS = ("before_start", "after_start", "before_stop", "after_stop")
_LOG = ("log_prefix", "log_when_blocked", "log_rotate_every", "log_compress")
_NAMES = ("after", *_READY, "health", *_HEALTH, "restart", *_RESTART, *_STOP, *_HOOKS, "hook_timeout", *_LOG)
_PREFIX = "endwell_"
KEYS = tuple(_PREFIX + one for one in _NAMES)
MAIN = "supervisord"
STOP_BY_PRIORITY = "endwell_stop_by_priority"


def own_of(program: Program, options: Options) -> Own:
    """Read endwell's own keys of a program's section.

    Args:
        program: what supervisord's options say.
        options: of its section.
    """
    if not options.any(_PREFIX) and not options.source.section(MAIN).any(_PREFIX):
        return Own()  # most files have none, and there are thirty to look for
    return _Reader(program, options).own()


def own_of_project(options: Options) -> tuple[float | None, ExitWhen | None, bool | None, str]:
    """Read from [supervisord] the grace in seconds, when and how the container ends, and where the socket is.

    How: whether by priority. None and empty where it is silent.
    """
    options.know(*(f"endwell_{one}" for one in _LOG))
    return (
        options.get("endwell_grace", words.duration, None),
        options.get("endwell_exit_when", words.exit_when, None),
        options.get(STOP_BY_PRIORITY, boolean, None),
        options.text("endwell_socket") or "",
    )


class _Reader:
    def __init__(self, program: Program, options: Options) -> None:
        self.program = program
        self.options = options

    def get(self, key: str, convert: Callable[[str], T], default: D) -> T | D:
        return self.options.get(f"endwell_{key}", convert, default)

    def has(self, *keys: str) -> bool:
        return any(self.options.find(f"endwell_{key}") for key in keys)

    def general(self, key: str, convert: Callable[[str], T]) -> T | None:
        """Read a key that may also stand in [supervisord]."""
        name = f"endwell_{key}"
        if self.has(key):
            return self.options.get(name, convert, None)
        return self.options.source.section(MAIN, here=self.options.source.here).get(name, convert, None)

    def own(self) -> Own:
        start, restart = self.policies() if self.has("restart", *_RESTART) else (None, None)
        return Own(
            after=self.get("after", words.dependencies, ()),
            ready=self.ready(),
            health=self.health(),
            start=start,
            restart=restart,
            stop_timeout=self.get("stop_timeout", words.duration, None),
            drain=self.get("drain", words.duration, 0.0),
            nice=self.get("nice", words.nice, 0),
            limits=self.get("limits", words.limits, {}),
            prefix=self.general("log_prefix", words.one_of(Prefix)),
            when_blocked=self.general("log_when_blocked", words.one_of(WhenBlocked)),
            rotate_every=self.general("log_rotate_every", words.duration),
            compress=bool(self.general("log_compress", boolean)),
            hooks=self.hooks() if self.has(*_HOOKS) else None,
        )

    def ready(self) -> Readiness | None:
        read = self.get("ready", words.readiness, None)
        if read is None:
            self.useless(_READY[1:], "ready")
            return None
        return replace(
            read,
            timeout=self.get("ready_timeout", words.duration, None),
            every=self.get("ready_every", words.pause, read.every),
        )

    def health(self) -> Health | None:
        asked = self.get("health", words.health, None)
        if asked is None:
            self.useless(_HEALTH, "health")
            return None
        plain = Health(asked.means, asked.value)
        return replace(
            plain,
            interval=self.get("health_interval", words.pause, plain.interval),
            timeout=self.get("health_timeout", words.duration, plain.timeout),
            start_period=self.get("health_start_period", words.duration, plain.start_period),
            retries=self.get("health_retries", words.count, plain.retries),
            then=self.get("unhealthy", words.one_of(Unhealthy), Unhealthy.RESTART),
        )

    def policies(self) -> tuple[StartPolicy, RestartPolicy]:
        """Read Docker's policy, or supervisord's with pauses that grow."""
        start, restart = start_policy(self.program), restart_policy(self.program)
        if policy := self.get("restart", words.restart, None):
            docker_start, docker_restart = docker(*policy)
            # Docker knows neither startsecs nor startretries: they count only where they are written.
            seconds = start.seconds if self.options.find("startsecs") else docker_start.seconds
            retries = start.retries if self.options.find("startretries") else docker_start.retries
            start = StartPolicy(seconds=seconds, retries=retries)
            restart = replace(docker_restart, success=restart.success)
        backoff = replace(
            DOCKER,
            first=self.get("restart_delay", words.duration, DOCKER.first),
            most=self.get("restart_delay_max", words.duration, DOCKER.most),
            jitter=self.get("restart_jitter", words.share, DOCKER.jitter),
        )
        reset = self.get("restart_reset", words.duration, restart.reset_after)
        return replace(start, backoff=backoff), replace(restart, backoff=backoff, reset_after=reset)

    def hooks(self) -> Hooks:
        read = words.hooks(self.get("hook_timeout", words.duration, 10.0))
        return Hooks(
            before_start=self.get("before_start", read, ()),
            after_start=self.get("after_start", read, ()),
            before_stop=self.get("before_stop", read, ()),
            after_stop=self.get("after_stop", read, ()),
        )

    def useless(self, keys: tuple[str, ...], needed: str) -> None:
        """Warn of keys that say more about something that is not there."""
        for key in keys:
            if self.has(key):
                self.options.warn(
                    f"endwell_{key}", f"endwell_{key} has no effect: write endwell_{needed} too, or remove it"
                )
