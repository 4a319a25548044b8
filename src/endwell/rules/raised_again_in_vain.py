"""PID 1 sends itself the signal to die of it, but PID 1 does not die of signals.

## What happens

The handler runs and the clean-up is done. Then the program restores the
default action and sends itself the same signal, which is the right way for a
process to end "by" that signal. It goes on living, and is killed when the
grace period is over.

## Why

The kernel discards a signal for which PID 1 has no handler, also when PID 1
has sent it itself. node does this when a program has no handler of its own. So
do programs that follow the textbook (`signal(SIGTERM, SIG_DFL);
raise(SIGTERM)`) and do not exit afterwards.

## See it

    endwell probe -- node -e 'setInterval(() => {}, 1000)'

## Mend it

Exit when raising the signal has not ended the program. In C:

    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
    _exit(128 + SIGTERM);

In node install a handler; or put an init in front, so that the program is not
PID 1:

    ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]

## When it is fine

When the program exits afterwards, as uvicorn and npm do: then there is no
finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Finding
from endwell.model.timeline import Fate, Origin
from endwell.rules import words
from endwell.rules.case import TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.rules.case import Case

CODE = "EW206"
NAME = "raised-again-in-vain"
SUMMARY = "PID 1 raises the signal again to die of it, which the kernel discards"


def find(case: Case) -> Iterator[Finding]:
    """Yield one finding when PID 1 took the signal, sent it to itself in vain, and was killed."""
    main, request = case.main, case.request
    if main is None or request is None or case.fate not in TAKEN or not case.killed:
        return
    for one in main.signals:
        own = one.sender.kind is Origin.PROCESS and one.sender.pid == 1
        if own and one.at >= request.at and one.fate is Fate.DISCARDED and one.signal == request.signal:
            yield Finding(
                CODE,
                f"{words.label(main)} handled {request.signal}, then sent it to itself to die of it; the "
                "kernel does not let PID 1 die that way, so it lived on and was killed",
                "exit after raising the signal, or put an init in front: "
                f"{words.entrypoint(case.stop.grace)}",
                words.pids(main),
            )
            return
