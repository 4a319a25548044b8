"""Lines of `endwell logs` and `endwell events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from endwell.render.ages import stamp
from endwell.render.clean import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Said: TypeAlias = Mapping[str, Any]

# One for each service, again and again: compose's order, without those that a status is said in.
_COLORS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")


class Prefixes:
    """Says who has written a line, as compose does: `web-1  | `.

    Args:
        labels: of those who may write, for the width and the colors.
        color: whether each has a color of its own.
    """

    def __init__(self, labels: Iterable[str], *, color: bool) -> None:
        known = list(labels)
        self._width = max(map(cells, known), default=0)
        self._color = color
        self._made: dict[str, str] = {}
        for label in known:
            self.of(label)

    def of(self, label: str) -> str:
        """Return what is put before a line; one that was not known, too, keeps its color."""
        if label not in self._made:
            plain = f"{label}{' ' * (self._width - cells(label))}  |"
            style = _COLORS[len(self._made) % len(_COLORS)]
            self._made[label] = f"\x1b[{style}m{plain}\x1b[0m " if self._color else f"{plain} "
        return self._made[label]


def log_line(said: Said, *, prefix: str = "", times: bool = False) -> str:
    """Return a line of a service as it was written, without its end.

    Args:
        said: what the supervisor has told.
        prefix: who has written it.
        times: whether it is told when; of a line in a file that is not known.
    """
    when = f"{'-' if said['time'] is None else stamp(said['time'])} " if times else ""
    return f"{prefix}{when}{said['text']}"


def event_line(event: Said) -> str:
    """Return an event in one line: when, about whom, what."""
    words = [stamp(event["time"])]
    if who := event.get("label") or event.get("group"):
        words.append(who)
    words.append(_EVENTS.get(event["event"], _other)(event))
    return " ".join(words)


def _state(event: Said) -> str:
    if event["from"] == event["to"]:
        if event.get("healthy") is not None:
            said = "healthy" if event["healthy"] else "unhealthy"
        else:
            said = "ready" if event.get("ready") else "not ready"
        return said + _why(event)
    details = []
    if event.get("pid"):
        details.append(f"pid {event['pid']}")
    if event["to"] == "BACKOFF" and event.get("tries"):
        details.append(f"try {event['tries']}")
    if event["to"] == "EXITED":
        details.append("as expected" if event.get("expected") else "not expected")
    told = f" ({', '.join(details)})" if details else ""
    return f"{event['from']} -> {event['to']}{told}{_why(event)}"


def _other(event: Said) -> str:
    return f"{event['event'].replace('-', ' ')}{_why(event)}"


def _why(event: Said) -> str:
    return f": {event['why']}" if event.get("why") else ""


_EVENTS: dict[str, Callable[[Said], str]] = {
    "state": _state,
    "refused": lambda event: f"not started{_why(event)}",
    "rolling-done": lambda event: f"the restart one by one is over{_why(event)}",
}
