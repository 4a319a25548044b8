"""One more command in a local container, as with `docker exec`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from endwell.engine.output import Line, Output
from endwell.system.pidfd import wait_for_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from endwell.engine.standard import Standard
    from endwell.system.approximation import Kept
    from endwell.system.namespace import Session


class LocalExecution:
    """A process that entered the namespace; ends with the object, with the container, and with our thread."""

    def __init__(self, session: Session | Kept | None, standard: Standard | None) -> None:
        if standard is not None:
            standard.let_go()
        self._session = session
        self._output = Output(standard.sources if standard else ())
        self._output.start()
        self._status: int | None = None
        self._reasons: list[Line] = []

    @classmethod
    def failed(cls, reason: str, status: int) -> LocalExecution:
        """Return one whose command never ran, as `docker exec` shows it: a reason and a status."""
        found = cls(None, None)
        found._status = status
        found._reasons.append(Line("stderr", reason, time.monotonic()))
        return found

    @property
    def closed(self) -> bool:
        """Whether nothing of it remains."""
        return self._session is None

    @property
    def pid(self) -> int:
        """Its number on the host; 0 if it never ran or is let go of."""
        return self._session.pid if self._session else 0

    @property
    def lines(self) -> Sequence[Line]:
        """Every line it has printed so far, oldest first."""
        return [*self._reasons, *self._output.lines]

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its status within `timeout` seconds; None when it still runs."""
        session = self._session
        if self._status is None and session is not None:
            watched = os.dup(session.pidfd)
            try:
                if not wait_for_end(watched, timeout):
                    return None
            finally:
                os.close(watched)
            code = session.reap()
            assert code is not None  # noqa: S101  reap blocks
            self._output.drain()
            self._status = code if code >= 0 else 128 - code
        return self._status

    def close(self) -> None:
        """Kill it if it still runs; may be called more than once."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
