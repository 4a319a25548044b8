# guest: leaves a worker behind that ignores TERM; its own status 7 must come out nevertheless
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
