# guest: the main process ends by itself with 3 while its worker still runs
# never prints: worker told TERM
# expect: unknown, exit 3, by itself, 2 processes, EW502
# expect: 1 quits-before-its-worker: exit 3
# expect: 2 quits-before-its-worker: never told; killed by namespace
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
started, started_in = os.pipe()
if not os.fork():
    os.write(1, b"ready\n")
    os.write(started_in, b"x")
    signal.sigwait({signal.SIGTERM})
    os.write(1, b"worker told TERM\n")
    time.sleep(0.3)
    os.write(1, b"flushed\n")
    os._exit(0)
os.read(started, 1)
os._exit(3)
