# guest: none at all: twenty threads that all end when the handler says so
# prints: told TERM; 20 flushed
# expect: well, exit 0, 1 process
# expect: 1 python-has-twenty-threads: TERM from outside, handler; exit 0
import os
import signal
import threading

stop = threading.Event()
flushed = []
started = threading.Barrier(21)


def work():
    started.wait()
    stop.wait()
    flushed.append(1)


def hear(*_):
    os.write(1, b"told TERM\n")
    stop.set()


signal.signal(signal.SIGTERM, hear)
threads = [threading.Thread(target=work) for _ in range(20)]
for thread in threads:
    thread.start()
started.wait()
os.write(1, b"ready\n")
for thread in threads:
    thread.join()
os.write(1, b"%d flushed\n" % len(flushed))
