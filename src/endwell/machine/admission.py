"""Who is to be started and waits for others; whether they are there yet, and whether they ever will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.outcome import finished
from endwell.machine.state import State
from endwell.model.readiness import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from endwell.machine.life import Life
    from endwell.machine.order import Order
    from endwell.model.readiness import Dependency

Key = tuple[str, int]


class Admission:
    """The replicas that wait.

    Args:
        lives: of all replicas.
        order: of the services.

    Attributes:
        waiting: those that are to be started as soon as what they wait for is reached.
        refused: those of `waiting` for whom that does not happen by itself, and why.
    """

    def __init__(self, lives: Mapping[Key, Life], order: Order) -> None:
        self.waiting: set[Key] = set()
        self.refused: dict[Key, str] = {}
        self._lives = lives
        self.arrange(order)

    def arrange(self, order: Order) -> None:
        """Take note of who there is now, and in which order; who is gone waits no more."""
        self._order = order
        place = {name: place for place, name in enumerate(order.names)}
        self._keys: dict[str, list[Key]] = {name: [] for name in order.names}
        for key in self._lives:
            self._keys[key[0]].append(key)
        self._place = {key: (place[key[0]], key[1]) for key in self._lives}
        self.waiting.intersection_update(self._lives)
        for key in self.refused.keys() - self._lives.keys():
            del self.refused[key]

    def replicas(self, name: str) -> list[Key]:
        """Return those of a service; empty if there is no such service."""
        return self._keys.get(name, [])

    def in_order(self, keys: Iterable[Key]) -> list[Key]:
        """Sort replicas as they are started."""
        return sorted(keys, key=self._place.__getitem__)

    def followers(self, key: Key) -> set[Key]:
        """Return those whose services wait for a replica's."""
        return {one for name in self._order.needed_by[key[0]] for one in self._keys[name]}

    def blocked(self, key: Key) -> list[Dependency]:
        """Return what a replica waits for that is not reached."""
        return [need for need in self._order.needs[key[0]] if not self._reached(need)]

    def why(self, key: Key) -> str:
        """Return what a replica of `waiting` waits for, in one line for people."""
        waits = " and ".join(f"for {need.service} to be {need.condition.value}" for need in self.blocked(key))
        return self.refused.get(key) or f"it waits {waits}"

    def in_vain(self, needs: Iterable[Dependency]) -> str:
        """Return why one of these is not reached by itself any more; empty if all may be."""
        return next((why for need in needs if (why := self._in_vain(need))), "")

    def forget(self, key: Key) -> None:
        """Let one wait no more."""
        self.waiting.discard(key)
        self.refused.pop(key, None)

    def clear(self) -> None:
        """Let nobody wait any more."""
        self.waiting.clear()
        self.refused.clear()

    def _reached(self, need: Dependency) -> bool:
        return all(_REACHED[need.condition](self._lives[key]) for key in self._keys[need.service])

    def _in_vain(self, need: Dependency) -> str:
        for key in self._keys[need.service]:
            life = self._lives[key]
            if key in self.refused:
                return f"it waits for {life.spec.label}, which is not started: {self.refused[key]}"
            given_up = life.state is State.FATAL or life.failed or need.condition is Condition.READY
            lost = key not in self.waiting and finished(life) and given_up
            if lost and not _REACHED[need.condition](life):
                return f"it waits for {life.spec.label} to be {need.condition.value}, which {_how(life)}"
        return ""


def _how(life: Life) -> str:
    return f"has failed: {life.why}" if life.failed else f"has ended: {life.why}"


_REACHED: dict[Condition, Callable[[Life], bool]] = {
    Condition.STARTED: lambda life: life.started,
    Condition.READY: lambda life: life.ready and life.state is State.RUNNING,
    Condition.COMPLETED: lambda life: life.completed,
}
