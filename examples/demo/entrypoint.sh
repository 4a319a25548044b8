#!/bin/sh
# An entrypoint as found in many images: a worker in the background, then the store in the foreground.
# As PID 1 this shell has no handler for SIGTERM, so the kernel drops it; and nobody tells the worker anything.
setsid python3 worker.py &
"$@"
