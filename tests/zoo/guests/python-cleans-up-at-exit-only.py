# guest: registers its clean-up with atexit and handles no TERM: as PID 1 it never runs
# grace: 0.5
# never prints: cleaned up
# expect: killed, exit 137, 1 process, EW201
# expect: 1 python-cleans-up-at-exit-only: TERM from outside, discarded; killed by engine
import atexit
import os
import time

atexit.register(lambda: os.write(1, b"cleaned up\n"))
os.write(1, b"ready\n")
time.sleep(1000)
