# guest: its worker is stopped (state T) when the container is asked to end
# prints: told TERM
# never prints: flushed
# expect: partial, exit 0, 2 processes, EW402, EW501
# expect: 1 stops-its-worker: TERM from outside, sigwait; exit 0
# expect: 2 stops-its-worker: never told; killed by namespace
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
worker = os.fork()
if not worker:
    os.kill(os.getpid(), signal.SIGSTOP)
    signal.sigwait({signal.SIGTERM})
    os.write(1, b"flushed\n")
    os._exit(0)
os.waitid(os.P_PID, worker, os.WSTOPPED)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
os._exit(0)
