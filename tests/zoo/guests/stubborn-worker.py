# guest: leaves a worker behind that ignores TERM; its own status 7 must come out nevertheless
# expect: partial, exit 7, 2 processes, EW402, EW504
# expect: 1 stubborn-worker: TERM from outside, sigwait; exit 7
# expect: 2 stubborn-worker: never told; killed by namespace
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, b"ready\n")
    while True:
        signal.pause()
signal.sigwait({signal.SIGTERM})
os._exit(7)
