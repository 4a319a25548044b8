# guest: none at all: the main thread is in join; the handler runs there nevertheless and tells the worker thread
# prints: told TERM; flushed
# expect: well, exit 0, 1 process
# expect: 1 python-joins-its-thread: TERM from outside, handler; exit 0
import os
import signal
import threading

stop = threading.Event()


def work():
    stop.wait()
    os.write(1, b"flushed\n")


def hear(*_):
    os.write(1, b"told TERM\n")
    stop.set()


signal.signal(signal.SIGTERM, hear)
worker = threading.Thread(target=work)
worker.start()
os.write(1, b"ready\n")
worker.join()
