"""supervisord's startsecs, startretries, autorestart and exitcodes as policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.restart import AT_ONCE_AT_FIRST, SUPERVISORD, Restart, RestartPolicy, StartPolicy
from endwell.model.supervisord import Autorestart

if TYPE_CHECKING:
    from endwell.model.supervisord import Program

WHEN = {
    Autorestart.NEVER: Restart.NO,
    Autorestart.UNEXPECTED: Restart.ON_FAILURE,
    Autorestart.ALWAYS: Restart.ALWAYS,
}


def start_policy(program: Program) -> StartPolicy:
    """Return when a program has started: a death before that is tried again whatever autorestart says."""
    return StartPolicy(
        seconds=max(program.startsecs, 0), retries=max(program.startretries, 0), backoff=SUPERVISORD
    )


def restart_policy(program: Program) -> RestartPolicy:
    """Return what is done when a program ends that had started: it is started at once, without limit."""
    return RestartPolicy(
        when=WHEN[program.autorestart],
        success=frozenset(program.exitcodes),
        backoff=AT_ONCE_AT_FIRST,
        reset_after=1.0,
    )
