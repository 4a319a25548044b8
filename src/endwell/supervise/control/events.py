"""`events`: what happens, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.act import Refused, RollingDone
from endwell.machine.effect import Announce
from endwell.machine.ending import Over
from endwell.machine.reloading import Swapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.machine.act import Act
    from endwell.model.control import Value
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange


def events(desk: Desk, exchange: Exchange) -> None:
    """Tell what is new until the client has had enough, or until the end."""
    story = Story(desk)

    def told(act: Act) -> None:
        for value in story.told(act):
            exchange.offer(value)
        if isinstance(act.effect, Over):
            exchange.ok()

    exchange.at_end(desk.bulletin.read(told))


def remote(desk: Desk, exchange: Exchange) -> None:
    """Pass a message on to the listeners of a supervisord.conf."""
    kind, data = exchange.request.text("type"), exchange.request.text("data")
    if desk.hearing is not None:
        desk.hearing.remote(kind, data)
    exchange.ok()


class Story:
    """Puts what is new into the words of the protocol.

    Args:
        desk: for clocks and names.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stopping = desk.supervisor.ensemble.ending is not None

    def told(self, act: Act) -> Iterator[Value]:
        """Yield the events that something new is."""
        supervisor = self._desk.supervisor
        if supervisor.ensemble.ending is not None and not self._stopping:
            self._stopping = True
            yield self._event("stopping", why=supervisor.account.reason)
        effect = act.effect
        if isinstance(effect, Over):
            yield self._event("over", why=supervisor.account.reason)
        elif isinstance(effect, Swapped):
            for name in effect.groups_removed:
                yield self._event("group-removed", group=name)
            for name in effect.groups_added:
                yield self._event("group-added", group=name)
        elif act.key is not None and act.key in self._desk.lives:
            yield from self._of_replica(act)

    def _of_replica(self, act: Act) -> Iterator[Value]:
        assert act.key is not None  # noqa: S101  it was asked for
        spec, effect = self._desk.lives[act.key].spec, act.effect
        who = {"label": spec.label, "service": spec.name, "replica": spec.index + 1}
        if isinstance(effect, Refused):
            yield self._event("refused", **who, why=effect.why)
        elif isinstance(effect, RollingDone):
            left = [self._desk.lives[key].spec.label for key in effect.left if key in self._desk.lives]
            why = f"not restarted: {', '.join(left)}" if left else ""
            yield self._event("rolling-done", **who, why=why)
        elif isinstance(effect, Announce):
            yield self._event(
                "state",
                **who,
                **{"from": effect.was.name, "to": effect.state.name},
                pid=effect.pid,
                tries=effect.tries,
                expected=effect.expected,
                ready=effect.ready,
                healthy=effect.healthy,
                why=effect.why,
            )

    def _event(self, event: str, **more: object) -> Value:
        return {"time": round(self._desk.wall(), 6), "event": event, **more}
