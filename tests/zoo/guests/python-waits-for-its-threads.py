# guest: sys.exit in the handler, but a thread that is no daemon keeps the interpreter for ever
# grace: 0.5
# prints: told TERM
# expect: killed, exit 137, 1 process, EW301
# expect: 1 python-waits-for-its-threads: TERM from outside, handler; killed by engine
import os
import signal
import sys
import threading
import time


def hear(*_):
    os.write(1, b"told TERM\n")
    sys.exit(0)


signal.signal(signal.SIGTERM, hear)
threading.Thread(target=time.sleep, args=(1000,)).start()
os.write(1, b"ready\n")
time.sleep(1000)
