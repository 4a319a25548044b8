"""`reread`, `add`, `remove` and `reload`: another file takes the place of the one that is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.control import ControlError, Kind

if TYPE_CHECKING:
    from endwell.supervise.applied import Applied
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange
    from endwell.supervise.reloading import Reloading


def reread(desk: Desk, exchange: Exchange) -> None:
    """Read the file, and say which groups are different in it."""
    names = _reloading(desk).reread()
    exchange.ok({"added": names.added, "changed": names.changed, "removed": names.removed})


def add(desk: Desk, exchange: Exchange) -> None:
    """Let a group of the file as it was last read be there, and start it."""
    _reloading(desk).add(exchange.request.text("group"))
    exchange.ok()


def remove(desk: Desk, exchange: Exchange) -> None:
    """Forget a group of which nothing runs."""
    _reloading(desk).remove(exchange.request.text("group"))
    exchange.ok()


def reload(desk: Desk, exchange: Exchange) -> None:
    """Apply the file as it is now."""

    def done(applied: Applied | ControlError) -> None:
        if isinstance(applied, ControlError):
            exchange.fail(applied)
            return
        names = applied.names
        exchange.ok(
            {
                "added": names.added,
                "changed": names.changed,
                "removed": names.removed,
                "adjusted": names.adjusted,
                "warnings": applied.warnings,
            }
        )

    _reloading(desk).reload(done)


def restart_all(desk: Desk, exchange: Exchange) -> None:
    """Stop everything, read the file, and start everything: supervisord's restart. Nobody is waited for."""
    _reloading(desk).renew(lambda _: None)
    exchange.ok()


def _reloading(desk: Desk) -> Reloading:
    if desk.reloading is None:
        raise ControlError(Kind.FAILED, "the file cannot be read again: nobody has said how")
    return desk.reloading
