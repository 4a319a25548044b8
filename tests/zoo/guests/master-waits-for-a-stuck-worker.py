# guest: a prefork master that does everything right, and a worker that ignores TERM: the engine kills them both
# grace: 0.5
# expect: killed, exit 137, 2 processes, EW202
# expect: 1 master-waits-for-a-stuck-worker: TERM from outside, sigwait; killed by engine
# expect: 2 master-waits-for-a-stuck-worker: TERM from 1, ignored; killed by namespace
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
worker = os.fork()
if not worker:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # what is blocked is not ignored
    os.write(1, b"ready\n")
    while True:
        signal.pause()
signal.sigwait({signal.SIGTERM})
os.kill(worker, signal.SIGTERM)
os.waitpid(worker, 0)
os._exit(0)
