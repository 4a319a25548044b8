"""The tables `logs` and `hooks` as the model's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell.model.service import Hook, Hooks, Log, Prefix, Rotation, Stream, WhenBlocked
from endwell.parse.services.policies import finite

if TYPE_CHECKING:
    from collections.abc import Mapping

    Values = Mapping[str, Any]

_WHERE = ("path", "container", "discard")


def logs_of(logs: str | Values | None) -> tuple[Log, Log | None]:
    """Return where stdout and stderr go; None: with stdout.

    Raises:
        ValueError: a stream is to go to two places; says what to do.
    """
    said: Values = {"stdout": logs} if isinstance(logs, str) else logs or {}
    stderr = said.get("stderr", "stdout")
    return (
        _log(said.get("stdout", "container"), said, Stream.STDOUT),
        None if stderr == "stdout" else _log(stderr, said, Stream.STDERR),
    )


def _log(where: str | Values, common: Values, stream: Stream) -> Log:
    said = {**common, **(_place(where) if isinstance(where, str) else where)}
    chosen = [name for name in _WHERE if said.get(name)]
    if len(chosen) > 1:
        raise ValueError(f"sends {stream.value} to two places, {' and '.join(chosen)}: keep one of them")
    if said.get("discard"):
        return Log(discard=True)
    path = said.get("path", "")
    to_file = path and Log(path).of_container(stream) is None
    return Log(
        path=path,
        prefix=said.get("prefix", Prefix.NAME),
        rotation=_rotation(said) if to_file else Rotation(),
        when_blocked=said.get("when-blocked", WhenBlocked.BLOCK),
        stream=said.get("container"),
        temporary=said.get("temporary", False),
        strip_ansi=said.get("strip-colors", False),
    )


def _place(where: str) -> Values:
    if where == "container":
        return {}
    return {"discard": True} if where == "none" else {"path": where}


def _rotation(said: Values) -> Rotation:
    return Rotation(
        size=said.get("max-size"),
        every=finite(said.get("every")),
        keep=said.get("keep", 10),
        compress=said.get("compress", False),
    )


def hooks_of(hooks: Values | None) -> Hooks:
    """Return what is run around the start and the stop."""
    said: Values = hooks or {}
    most = said.get("timeout", 10.0)
    return Hooks(
        **{
            name: tuple(_hook(one, most) for one in said.get(name.replace("_", "-"), ()))
            for name in ("before_start", "after_start", "before_stop", "after_stop")
        }
    )


def _hook(hook: tuple[str, ...] | Values, most: float) -> Hook:
    if isinstance(hook, tuple):
        return Hook(hook, most)
    return Hook(hook.get("command", ()), hook.get("timeout", most))
