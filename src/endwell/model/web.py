"""The page to look at: where it is, and who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.model.place import Place

HOST, PORT = "127.0.0.1", 9080


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A port with the page, `/metrics`, `/healthz` and `/readyz`.

    Args:
        host: a name or an address; empty for every interface.
        port: the number.
        username: None: nobody is asked for a name, which is for loopback only.
        password: as written: plain, or `{SHA}` and 40 hexadecimal digits.
        place: where the file says so.
    """

    host: str = HOST
    port: int = PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    place: Place
