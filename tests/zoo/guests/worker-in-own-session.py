# guest: its worker lives in a session of its own, out of reach of group signals, and needs 0.3 s to flush
# prints: told TERM
# never prints: worker told TERM
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 worker-in-own-session: TERM from outside, sigwait; exit 0
# expect: 2 worker-in-own-session: never told; killed by namespace
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    os.setsid()
    os.write(1, b"ready\n")
    signal.sigwait({signal.SIGTERM})
    os.write(1, b"worker told TERM\n")
    time.sleep(0.3)
    os.write(1, b"flushed\n")
    os._exit(0)
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
os._exit(0)
