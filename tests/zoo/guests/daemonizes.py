# guest: goes to the background like an old daemon (double fork), and serves from there
# ready: ends
# never prints: told TERM
# expect: unknown, exit 0, by itself, EW502
# expect: 1 daemonizes: exit 0
import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
alive, alive_in = os.pipe()
if os.fork():
    time.sleep(0.1)  # who is over at once may have no name in a report, and its children have theirs from it
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.close(alive_in)
os.read(alive, 1)  # the end of the file: both parents have gone
time.sleep(0.2)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
time.sleep(0.3)
os.write(1, b"flushed\n")
os._exit(0)
