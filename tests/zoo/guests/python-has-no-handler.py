# guest: a Python program as one writes it first: TERM is discarded, only Ctrl-C would have been heard
# grace: 0.5
# never prints: cleaned up
# expect: killed, exit 137, 1 process, EW201
# expect: 1 python-has-no-handler: TERM from outside, discarded; killed by engine
import os
import time

try:
    os.write(1, b"ready\n")
    time.sleep(1000)
except KeyboardInterrupt:
    os.write(1, b"cleaned up\n")
