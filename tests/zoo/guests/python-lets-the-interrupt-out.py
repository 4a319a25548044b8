# guest: cleans up in finally and lets KeyboardInterrupt out: Python signals itself in vain, then exits with 130
# signal: INT
# prints: cleaned up
# expect: well, exit 130, 1 process, perhaps EW206
# expect: 1 python-lets-the-interrupt-out: INT from outside, handler; INT from itself, discarded; exit 130
import os
import time

try:
    os.write(1, b"ready\n")
    time.sleep(1000)
finally:
    os.write(1, b"cleaned up\n")
