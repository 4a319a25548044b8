# guest: told TERM the main process leaves at once; its worker would need 0.8 s to flush
# never prints: worker told TERM
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 leaves-its-worker: TERM from outside, sigwait; exit 0
# expect: 2 leaves-its-worker: never told; killed by namespace
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    os.write(1, b"ready\n")
    signal.sigwait({signal.SIGTERM})
    os.write(1, b"worker told TERM\n")
    time.sleep(0.8)
    os.write(1, b"flushed\n")
    os._exit(0)
signal.sigwait({signal.SIGTERM})
os._exit(0)
