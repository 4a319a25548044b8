# guest: becomes a user that the init may not signal; with an argument it stays, without one it ends by itself with 5
# needs: root
# expect: unknown, exit 5, by itself, 2 processes, EW502
# expect: 1 becomes-another-user: HUP from 2, ignored; HUP from 2, ignored; HUP from 2, ignored; exit 5
import os
import signal
import sys
import time

signal.signal(signal.SIGHUP, signal.SIG_IGN)
changed, changed_in = os.pipe()
helper = os.fork()
if not helper:
    os.setsid()  # else a signal to the group would reach at least this one, and count as forwarded
    os.read(changed, 1)
    for _ in range(3):
        os.kill(1, signal.SIGHUP)
    os._exit(0)
os.setresuid(65534, 65534, 65534)
os.write(changed_in, b"x")
os.waitpid(helper, 0)
time.sleep(0.3)
os.write(1, b"ready\n")
if len(sys.argv) > 1:
    signal.pause()
os._exit(5)
