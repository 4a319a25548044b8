# guest: a master that needs its worker for the drain; a worker told too early loses the work
# prints: told TERM; worker has done all; worker told TERM; drained
# expect: well, exit 0, 2 processes
# expect: 1 drains-in-order: TERM from outside, sigwait; exit 0
# expect: 2 drains-in-order: TERM from 1, handler; exit 0; reaped by 1
import os
import select
import signal
import time

work_in, work_out = os.pipe()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
worker = os.fork()
if not worker:
    os.close(work_out)
    wakeup, wakeup_in = os.pipe()
    os.set_blocking(wakeup_in, False)
    signal.set_wakeup_fd(wakeup_in)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    done = 0
    while done < 3:
        if wakeup in select.select([work_in, wakeup], [], [])[0]:
            os.write(1, b"worker told too early\n")
            os._exit(1)
        done += len(os.read(work_in, 1))
    os.write(1, b"worker has done all\n")
    os.read(wakeup, 1)
    os.write(1, b"worker told TERM\n")
    os._exit(0)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
for _ in range(3):
    time.sleep(0.1)
    os.write(work_out, b"x")
time.sleep(0.1)
os.kill(worker, signal.SIGTERM)
status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
os.write(1, b"drained\n" if status == 0 else b"work lost\n")
os._exit(status)
