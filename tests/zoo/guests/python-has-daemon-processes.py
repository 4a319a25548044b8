# guest: none at all: multiprocessing ends its daemon processes itself, with TERM, which they die of
# prints: told TERM
# expect: well, exit 0, 3 processes
# expect: 1 python-has-daemon-processes: TERM from outside, handler; exit 0
# expect: 2 x python-has-daemon-processes: child of 1; TERM from 1, default; dies of TERM; reaped by 1
import multiprocessing
import os
import signal
import sys
import time


def work(started):
    os.write(started, b"x")
    time.sleep(1000)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    started, started_in = os.pipe()
    for _ in range(2):
        context.Process(target=work, args=(started_in,), daemon=True).start()
    for _ in range(2):
        os.read(started, 1)

    def hear(*_):
        os.write(1, b"told TERM\n")
        sys.exit(0)

    signal.signal(signal.SIGTERM, hear)
    os.write(1, b"ready\n")
    time.sleep(1000)
