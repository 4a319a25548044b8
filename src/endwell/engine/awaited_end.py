"""The end of an engine's container: a request that is answered then, and a thread that waits for the answer.

So everybody else can wait with a limit.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from endwell.engine.background import Background
from endwell.engine.protocol import EngineError

if TYPE_CHECKING:
    from endwell.engine.client import Call


class AwaitedEnd:
    """Knows when a container has ended, and how; `name` is what people call it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: Call | None = None
        self._thread = Background(self._run, "wait")
        self._over = threading.Event()
        self._status = 0
        self._at = 0.0
        self._failure: EngineError | None = None

    def watch(self, waiting: Call) -> None:
        """Ask the engine, by a request that it answers at the end; to be called once."""
        self._waiting = waiting
        self._thread.start()

    def wait(self, timeout: float | None = None) -> tuple[int, float] | None:
        """Return the status and the instant of the end, in seconds of the monotonic clock; None if it runs.

        Raises:
            EngineError: the engine does not tell.
        """
        if not self._over.wait(timeout):
            return None
        if self._failure is not None:
            raise self._failure
        return self._status, self._at

    def close(self) -> None:
        """Do not wait any more; may be called more than once."""
        if self._waiting is not None:
            self._waiting.abort()
        self._thread.join()

    def _run(self) -> None:
        assert self._waiting is not None  # noqa: S101  set before the start
        try:
            self._status = self._status_of(json.loads(self._waiting.answer()))
        except EngineError as error:
            self._failure = error
        except (ValueError, LookupError, TypeError, AttributeError):
            self._failure = EngineError(
                f"cannot tell how {self._name} ended: the engine's answer is cut short; is it running?"
            )
        finally:
            self._at = time.monotonic()
            self._over.set()

    def _status_of(self, answer: Any) -> int:  # noqa: ANN401  whatever the engine has said
        """Return the status that is in an answer: podman's own is the status alone."""
        if not isinstance(answer, int):
            if answer.get("Error"):
                raise EngineError(f"cannot tell how {self._name} ended: {answer['Error']['Message']}")
            answer = int(answer["StatusCode"])
        if answer < 0:
            raise EngineError(f"cannot tell how {self._name} ended: the engine has not seen it")
        return int(answer)
