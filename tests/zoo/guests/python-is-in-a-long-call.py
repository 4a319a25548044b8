# guest: has a handler, but the main thread is in a C call that does not return: the kernel's handler ran, Python's did not
# grace: 0.5
# never prints: told TERM
# expect: killed, exit 137, 2 processes, EW301, EW402
# expect: 1 python-is-in-a-long-call: TERM from outside, handler; killed by engine
# expect: 2 sleep: child of 1; never told; killed by namespace
import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"told TERM\n"), sys.exit(0)))
# The line comes from inside the call: before it, Python would still hear.
os.system("echo ready; exec sleep 1000")
