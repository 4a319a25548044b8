# guest: its worker, told TERM, hands the last work to a new process in a session of its own, and leaves
# never prints: flushed
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 forks-when-told: TERM from outside, sigwait; exit 0
# expect: 2 forks-when-told: never told; killed by namespace
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    os.write(1, b"ready\n")
    signal.sigwait({signal.SIGTERM})
    if not os.fork():
        os.setsid()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        time.sleep(0.4)
        os.write(1, b"flushed\n")
    os._exit(0)
signal.sigwait({signal.SIGTERM})
os._exit(0)
