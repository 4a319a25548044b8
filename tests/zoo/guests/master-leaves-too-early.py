# guest: a prefork master that tells its workers and leaves with 0 without waiting: they are cut
# never prints: flushed
# expect: partial, exit 0, 3 processes, EW401, EW501
# expect: 1 master-leaves-too-early: TERM from outside, sigwait; exit 0
# expect: 2 x master-leaves-too-early: child of 1; TERM from 1, sigwait or pending or too late; killed by namespace
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
workers = []
for _ in range(2):
    worker = os.fork()
    if not worker:
        signal.sigwait({signal.SIGTERM})
        time.sleep(0.8)
        os.write(1, b"flushed\n")
        os._exit(0)
    workers.append(worker)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
for worker in workers:
    os.kill(worker, signal.SIGTERM)
os._exit(0)
