# guest: none at all: sys.exit in the handler runs finally and atexit
# prints: cleaned up; at exit
# expect: well, exit 0, 1 process
# expect: 1 python-exits-in-its-handler: TERM from outside, handler; exit 0
import atexit
import os
import signal
import sys
import time

atexit.register(lambda: os.write(1, b"at exit\n"))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    os.write(1, b"ready\n")
    time.sleep(1000)
finally:
    os.write(1, b"cleaned up\n")
