"""A server whose farewell takes a moment: `server.py NAME [FILE]`; FILE is made when it is ready."""

import signal
import sys
from pathlib import Path

FAREWELL = 0.2  # seconds

name, *files = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
for file in files:
    Path(file).touch()
print(f"{name} is ready", flush=True)
signal.sigwait({signal.SIGTERM})
signal.sigtimedwait(set(), FAREWELL)
print(f"{name} says farewell", flush=True)
