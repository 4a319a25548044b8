"""PID 1's number on the host, caught while the engine starts a container.

Afterwards may be too late: a program that fails at once is over before anybody can ask, and the engine has
forgotten its number. Podman knows the number before PID 1 executes the program, so we ask before the start.
For Docker a thread asks again and again meanwhile: the answer comes when the start is done, and before the
engine deals with the end.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from endwell.engine.background import Background
from endwell.engine.protocol import EngineError
from endwell.system.membership import container_namespace

if TYPE_CHECKING:
    from typing import Self

    from endwell.engine.client import Call, Client


class Sight(NamedTuple):
    """What the engine says is PID 1's number, and its PID namespace, if it is one of this machine."""

    pid: int = 0
    namespace: tuple[int, int] | None = None


class Sighting:
    """Looks out for PID 1 of a container from entering to leaving; `found` is what it saw."""

    def __init__(self, client: Client, identity: str) -> None:
        self._client = client
        self._identity = identity
        self._over = False
        self._call: Call | None = None
        self._thread = Background(self._run, "sighting")
        self.found = Sight()

    def __enter__(self) -> Self:
        self._look()
        if not self.found.pid:
            try:
                self._thread.start()
            except BaseException:
                self._give_up()
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over = True
        if kind is not None:
            self._give_up()
        self._thread.join()

    def _give_up(self) -> None:
        self._over = True
        if self._call is not None:
            self._call.abort()
        self._thread.join()

    def _run(self) -> None:
        while not self._over and not self.found.pid:
            self._look()

    def _look(self) -> None:
        self._call = call = self._client.call("GET", f"/containers/{self._identity}/json")
        try:
            pid = int(json.loads(call.answer())["State"].get("Pid") or 0)
        except (EngineError, ValueError, LookupError, TypeError, AttributeError):
            # Whoever starts it learns what is wrong.
            self._over = True
        else:
            self.found = Sight(pid, container_namespace(pid, self._identity))
        finally:
            call.close()
