# guest: a prefork master that hears TERM, tells none of its three workers and leaves with 0
# prints: told TERM
# never prints: flushed
# expect: partial, exit 0, 4 processes, EW402, EW501
# expect: 1 master-forgets-its-workers: TERM from outside, sigwait; exit 0
# expect: 3 x master-forgets-its-workers: child of 1; never told; killed by namespace
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
for _ in range(3):
    if not os.fork():
        signal.sigwait({signal.SIGTERM})
        os.write(1, b"flushed\n")
        os._exit(0)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
