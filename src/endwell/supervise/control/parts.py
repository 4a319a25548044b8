"""`read-log`, `tail-log` and `clear-logs`: log files, as supervisord's clients count in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from endwell.machine.tail import part
from endwell.machine.waiting import Result
from endwell.model.control import ControlError, Kind
from endwell.supervise.control.wishes import answer
from endwell.supervise.logs.reading import read_log, tail_log

if TYPE_CHECKING:
    from endwell.machine.life import Life
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange

# One piece is read and sent at once: as much as does not keep others waiting.
_MOST = 1 << 20


def read(desk: Desk, exchange: Exchange) -> None:
    """Send a part of a log file."""
    request = exchange.request
    path = _path(desk, exchange)
    offset, length = request.whole("offset"), request.whole("length")
    try:
        begin, end = part(_size(path), offset, length)
        if end - begin > _MOST:
            why = f"cannot send {end - begin} bytes at once: ask for {_MOST} at the most"
            raise ControlError(Kind.BAD_ARGUMENTS, why)
        text = read_log(path, offset, length)
    except ValueError as error:
        raise ControlError(Kind.BAD_ARGUMENTS, str(error)) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    exchange.ok({"text": text.decode(errors="surrogateescape"), "offset": end, "overflow": False})


def tail(desk: Desk, exchange: Exchange) -> None:
    """Send the newest part of a log file."""
    request = exchange.request
    path = _path(desk, exchange)
    text, offset, overflow = tail_log(path, request.whole("offset"), min(request.whole("length"), _MOST))
    exchange.ok({"text": text.decode(errors="surrogateescape"), "offset": offset, "overflow": overflow})


def clear(desk: Desk, exchange: Exchange) -> None:
    """Empty the log files of replicas; those of the service with no name are the supervisor's own."""
    if exchange.request.names("services") == ("",):
        _clear_own(desk, exchange)
        return
    keys = desk.named(exchange.request)
    exchange.ok(answer((desk.lives[key].spec, _clear(desk, desk.lives[key])) for key in keys))


def _clear(desk: Desk, life: Life) -> Result:
    try:
        desk.capture.clear(life.spec)
    except OSError as error:
        return Result(Kind.FAILED, f"cannot empty its log: {error.strerror}")
    return Result()


def _clear_own(desk: Desk, exchange: Exchange) -> None:
    log = desk.own_log
    if log is None or not log.path or not os.path.exists(log.path):  # noqa: PTH110  pathlib brings urllib along
        raise ControlError(Kind.NO_FILE, "the supervisor has no log file of its own")
    try:
        log.clear()
    except OSError as error:
        raise ControlError(Kind.FAILED, f"cannot empty {log.path}: {error.strerror}") from None
    result = {"label": "", "group": "", "process": "", "ok": True, "kind": "", "message": ""}
    exchange.ok({"results": [result]})


def _path(desk: Desk, exchange: Exchange) -> str:
    request = exchange.request
    stream = request.text("stream", "stdout")
    if stream not in {"stdout", "stderr"}:
        raise request.wrong("stream", "stdout or stderr")
    if not request.text("service"):
        own = "" if desk.own_log is None else desk.own_log.path
        if not own:
            raise ControlError(Kind.NO_FILE, "the supervisor has no log file of its own")
        return own
    life = desk.one(request)
    path = desk.capture.paths(life.spec)[stream == "stderr"]
    if path is None:
        raise ControlError(Kind.NO_FILE, f"{stream} of {life.spec.label} goes to no file")
    return path


def _size(path: str) -> int:
    return os.stat(path).st_size  # noqa: PTH116  pathlib brings urllib along


def _unreadable(path: str, error: OSError) -> ControlError:
    kind = Kind.NO_FILE if isinstance(error, FileNotFoundError) else Kind.FAILED
    return ControlError(kind, f"cannot read {path}: {error.strerror}")
