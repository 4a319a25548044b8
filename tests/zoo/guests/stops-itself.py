# guest: the main process is stopped (state T) when the container is asked to end
# prints: flushed
# expect: well, exit 0, 2 processes
# expect: 1 stops-itself: STOP from itself, discarded; TERM from outside, sigwait; exit 0
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
if not os.fork():
    # The watcher: only another process can tell that it is stopped. PID 1 never is, so it does not wait for ever.
    parent = os.getppid()
    for _ in range(100):
        with open(f"/proc/{parent}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "T":
                break
        time.sleep(0.005)
    os.write(1, b"ready\n")
    os._exit(0)
os.kill(os.getpid(), signal.SIGSTOP)
signal.sigwait({signal.SIGTERM})
os.write(1, b"flushed\n")
os._exit(0)
