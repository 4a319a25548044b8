"""A server whose farewell takes $FAREWELL seconds: `server.py NAME [FILE]`; FILE is made when it is ready."""

import os
import signal
import sys
from pathlib import Path

FAREWELL = float(os.environ.get("FAREWELL", "0.2"))

name, *files = sys.argv[1:]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
for file in files:
    Path(file).touch()
print(f"{name} is ready", flush=True)
signal.sigwait({signal.SIGTERM})
signal.sigtimedwait(set(), FAREWELL)
print(f"{name} says farewell", flush=True)
