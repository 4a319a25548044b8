"""Says that it is up, that it is told to end, and that it ends: once somebody writes a line for it."""

import signal
import sys

name, told, go = sys.argv[1:]


def say(word: str) -> None:
    with open(told, "w") as fifo:  # noqa: PTH123  an interpreter without more starts sooner
        fifo.write(f"{word} {name}\n")


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
say("up")
signal.sigwait({signal.SIGTERM})
say("told")
with open(go) as fifo:  # noqa: PTH123  likewise
    fifo.readline()
say("over")
