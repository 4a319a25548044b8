"""A service as the keys and values of endwell.toml: only what is not so anyway."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from endwell.model.durations import format_duration, parse_duration
from endwell.model.project import When
from endwell.model.readiness import Condition, Health, Means, Readiness
from endwell.model.restart import Backoff, Restart, docker
from endwell.model.service import Hook, Hooks, Log, Prefix, Rotation, ServiceSpec, Stream, WhenBlocked
from endwell.model.signals import TERM
from endwell.parse.services.variables import escape

if TYPE_CHECKING:
    from endwell.model.project import ExitWhen

Values = dict[str, Any]
_DAYS = parse_duration("8784h")


def values_of(spec: ServiceSpec, stop_timeout: float) -> Values:
    """Return the keys of a service; what concerns how many of it there are is left out.

    Args:
        spec: the service.
        stop_timeout: that of a service that says none, in seconds.
    """
    plain = ServiceSpec(name=spec.name, command=spec.command)
    found: Values = {
        "command": shlex.join(spec.command),
        **_policies(spec),
        "after": _after(spec),
        "ready": _ready(spec.ready) if spec.ready else None,
        "health": _health(spec.health) if spec.health else None,
        "stop-signal": None if spec.stop_signal == TERM else spec.stop_signal.name.removeprefix("SIG"),
        "stop-timeout": None if spec.stop_timeout == stop_timeout else length(spec.stop_timeout),
        "stop-group": spec.stop_group or None,
        "drain": length(spec.drain) if spec.drain else None,
        "user": spec.user,
        "working-directory": spec.directory,
        "umask": None if spec.umask is None else f"{spec.umask:03o}",
        "nice": spec.nice or None,
        "limits": {name: _limit(*both) for name, both in spec.limits.items()} or None,
        "logs": _logs(spec.stdout, spec.stderr) or None,
        "hooks": _hooks(spec.hooks) or None,
        "stdin-open": spec.stdin_open or None,
        "autostart": None if spec.autostart else False,
        "group": None if spec.group == spec.name else spec.group,
        "priority": None if spec.priority == plain.priority else spec.priority,
        "group-priority": spec.group_priority,
        "environment": dict(spec.environment) or None,
    }
    return {name: _escaped(value) for name, value in found.items() if value is not None}


def exit_when(when: ExitWhen) -> str:
    """Return when the container ends by itself, as it is written."""
    return escape(f"{when.service} exits") if when.when is When.SERVICE_EXITS else when.when.value


def length(seconds: float) -> str:
    """Return a length of time that is read as exactly the same, or the longest there is."""
    if seconds > _DAYS:
        return "8784h"
    short = format_duration(seconds)
    # Written to the microsecond for people; a value below it is kept all the same.
    return short if parse_duration(short) == seconds else f"{round(seconds * 1e9)}ns"


def _escaped(value: Any) -> Any:  # noqa: ANN401  any value of TOML
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {name: _escaped(one) for name, one in value.items()}
    return [_escaped(one) for one in value] if isinstance(value, list) else value


def _policies(spec: ServiceSpec) -> Values:
    restart = spec.restart
    start, plain = docker(restart.when, restart.limit)
    found: Values = {}
    if restart == plain and (restart.limit is None or restart.when is Restart.ON_FAILURE):
        limit = "" if restart.limit is None else f":{restart.limit}"
        found["restart"] = restart.when.value + limit
    else:
        found["restart"] = _some(
            condition=restart.when.value,
            max_attempts=restart.limit,
            success=None if restart.success == plain.success else sorted(restart.success),
            delay=None if restart.backoff == plain.backoff else _delay(restart.backoff),
            window=None if restart.reset_after == plain.reset_after else length(restart.reset_after),
        )
    retries = "unlimited" if spec.start.retries is None else spec.start.retries
    starting = _some(
        window=length(spec.start.seconds) if spec.start.seconds else None,
        retries=None if spec.start.retries == start.retries else retries,
        delay=None if spec.start.backoff == restart.backoff else _delay(spec.start.backoff),
    )
    if found["restart"] == "no":
        del found["restart"]
    return found | ({"start": starting} if starting else {})


def _delay(pause: Backoff) -> str | Values:
    usual = Backoff(first=pause.first, most=max(pause.first, Backoff().most))
    if pause == usual:
        return length(pause.first)
    return _some(
        first=length(pause.first),
        factor=None if pause.factor == usual.factor else pause.factor,
        step=length(pause.step) if pause.step else None,
        most=None if pause.most == usual.most else _or_unlimited(pause.most),
        jitter=pause.jitter or None,
    )


def _or_unlimited(seconds: float) -> str:
    return "unlimited" if seconds == float("inf") else length(seconds)


def _some(**values: Any) -> Values:  # noqa: ANN401  any value of TOML
    """Return those that are there, by the names that they have in the file."""
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None}


def _after(spec: ServiceSpec) -> list[str] | None:
    found = []
    for one in spec.after:
        bare = one.condition is Condition.STARTED and ":" not in one.service
        found.append(one.service if bare else f"{one.service}:{one.condition.value}")
    return found or None


def _test(test: Readiness | Health) -> str:
    if test.means in {Means.NOTIFY, Means.HTTP}:
        return test.value or test.means.value
    return f"{test.means.value}:{test.value}"


def _ready(ready: Readiness) -> str | Values:
    plain = Readiness(ready.means, ready.value)
    return _short(
        test=_test(ready),
        timeout=None if ready.timeout is None else length(ready.timeout),
        every=None if ready.every == plain.every else length(ready.every),
    )


def _health(health: Health) -> str | Values:
    plain = Health(health.means, health.value)
    return _short(
        test=_test(health),
        interval=None if health.interval == plain.interval else length(health.interval),
        timeout=None if health.timeout == plain.timeout else length(health.timeout),
        start_period=length(health.start_period) if health.start_period else None,
        retries=None if health.retries == plain.retries else health.retries,
        then=None if health.then is plain.then else health.then.value,
    )


def _short(**values: Any) -> str | Values:  # noqa: ANN401  any value of TOML
    found = _some(**values)
    test: str = found["test"]
    return test if len(found) == 1 else found


def _limit(soft: int, hard: int) -> int | str:
    words = ["unlimited" if one == -1 else str(one) for one in (soft, hard)]
    if soft == hard:
        return soft if soft >= 0 else words[0]
    return ":".join(words)


def _logs(stdout: Log, stderr: Log | None) -> Values:
    """Return a table; what both streams say alike is said once."""
    streams = {"stdout": _log(stdout)} | ({"stderr": _log(stderr)} if stderr else {})
    shown = [one for one in streams.values() if one != {"discard": True}]
    first = shown[0] if shown else {}
    where = ("path", "container", "temporary")
    common = {
        name: value
        for name, value in first.items()
        if name not in where and all(other.get(name) == value for other in shown)
    }
    found: Values = {}
    for name, one in streams.items():
        own = {key: value for key, value in one.items() if key not in common or one == {"discard": True}}
        word = _word(own)
        if word != "container" or name == "stderr":
            found[name] = word or own
    return found | common


def _word(own: Values) -> str:
    """Return a stream's table as one word, if that can be."""
    if not own:
        return "container"
    if own == {"discard": True}:
        return "none"
    path: str = own.get("path", "")
    return path if len(own) == 1 and path not in {"container", "none", "stdout"} else ""


def _log(log: Log) -> Values:
    if log.discard:
        return {"discard": True}
    plain = Rotation()
    rotation = log.rotation
    return _some(
        path=log.path or None,
        container=log.stream.value if isinstance(log.stream, Stream) else None,
        temporary=log.temporary or None,
        prefix=None if log.prefix is Prefix.NAME else log.prefix.value,
        strip_colors=log.strip_ansi or None,
        when_blocked=None if log.when_blocked is WhenBlocked.BLOCK else log.when_blocked.value,
        max_size=None if rotation.size is None else _size(rotation.size),
        every=None if rotation.every is None else length(rotation.every),
        keep=None if rotation.keep == plain.keep else rotation.keep,
        compress=rotation.compress or None,
    )


def _size(size: int) -> str:
    for unit, letter in ((1024**3, "g"), (1024**2, "m"), (1024, "k")):
        if size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


def _hooks(hooks: Hooks) -> Values:
    return _some(
        before_start=_commands(hooks.before_start),
        after_start=_commands(hooks.after_start),
        before_stop=_commands(hooks.before_stop),
        after_stop=_commands(hooks.after_stop),
    )


def _commands(hooks: tuple[Hook, ...]) -> list[str | Values] | None:
    usual = Hook(()).timeout
    return [
        shlex.join(one.command)
        if one.timeout == usual
        else {"command": shlex.join(one.command), "timeout": length(one.timeout)}
        for one in hooks
    ] or None
