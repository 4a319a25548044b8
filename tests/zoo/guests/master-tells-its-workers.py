# guest: none at all: a prefork master that passes TERM on to three workers and collects them
# prints: flushed 0; flushed 1; flushed 2; all gone
# expect: well, exit 0, 4 processes
# expect: 1 master-tells-its-workers: TERM from outside, sigwait; exit 0
# expect: 3 x master-tells-its-workers: child of 1; TERM from 1, sigwait; exit 0; reaped by 1
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
workers = []
for number in range(3):
    worker = os.fork()
    if not worker:
        signal.sigwait({signal.SIGTERM})
        time.sleep(0.1)
        os.write(1, b"flushed %d\n" % number)
        os._exit(0)
    workers.append(worker)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
for worker in workers:
    os.kill(worker, signal.SIGTERM)
for worker in workers:
    os.waitpid(worker, 0)
os.write(1, b"all gone\n")
