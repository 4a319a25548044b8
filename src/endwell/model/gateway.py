"""What the supervisor tells the gateway when it starts it: behind which sockets it is to serve whom."""

from __future__ import annotations

from typing import Any, Self

from endwell.records import dataclass, field, fields

# Descriptors of the gateway: what is said here, the supervisor itself, and from there on the doors.
SAID, CONTROL, FIRST_DOOR = 3, 4, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A listening socket.

    Args:
        section: of the file, for messages.
        username: None: nobody is asked for a name.
        password: as written: plain, or `{SHA}` and 40 hexadecimal digits.
        calls: whether supervisord's clients come in here, and not only browsers.
        local: whether it is a Unix socket, which no page in a browser can reach.
    """

    section: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    calls: bool = True
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """All of it.

    Args:
        doors: the first one is descriptor `FIRST_DOOR`, and so on.
        interfaces: the names under which supervisord's own interface is offered: usually `supervisor`.
        patience: seconds without a client after which the gateway leaves; it is started again for the next.
        secret: of which the page's tokens are made, the same for all gateways of a supervisor.
    """

    doors: tuple[Door, ...]
    interfaces: tuple[str, ...] = ()
    patience: float = 60.0
    secret: str = field(default="", repr=False)

    @property
    def value(self) -> dict[str, Any]:
        """As it is sent."""
        doors = tuple({one.name: getattr(door, one.name) for one in fields(door)} for door in self.doors)
        return {
            "doors": doors,
            "interfaces": self.interfaces,
            "patience": self.patience,
            "secret": self.secret,
        }

    @classmethod
    def read(cls, value: dict[str, Any]) -> Self:
        """Return what `value` was made of."""
        doors = tuple(Door(**door) for door in value["doors"])
        interfaces = tuple(value["interfaces"])
        return cls(doors=doors, interfaces=interfaces, patience=value["patience"], secret=value["secret"])
