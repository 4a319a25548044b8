"""How an engine would stop a container: which signal, and how many seconds until SIGKILL."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from endwell.engine.protocol import DEFAULT_GRACE, DEFAULT_SIGNAL, EngineError
from endwell.model.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Mapping


def whole_seconds(grace: float) -> int:
    """Return a grace period as engines take it, -1 for without end; EngineError if they cannot."""
    if math.isinf(grace) and grace > 0:
        return -1
    if math.isnan(grace) or grace < 0 or grace != int(grace):
        raise EngineError(
            f"cannot stop with a grace period of {grace:g} s: engines take whole seconds, 0 or more; round it"
        )
    return int(grace)


def stop_signal_of(container: Mapping[str, Any], image: Mapping[str, Any]) -> Signal:
    """Return the signal that stops a container; the arguments are the engine's configurations of both."""
    named = container.get("StopSignal") or image.get("StopSignal")
    try:
        return Signal.parse(str(named)) if named else DEFAULT_SIGNAL
    except ValueError:
        # The engine refuses to start such a container, and says why.
        return DEFAULT_SIGNAL


def grace_of(container: Mapping[str, Any]) -> float:
    """Return the seconds between stop signal and SIGKILL; infinite if a container is never killed."""
    timeout = container.get("StopTimeout")
    found = DEFAULT_GRACE if timeout is None else float(timeout)
    return math.inf if found < 0 else found
