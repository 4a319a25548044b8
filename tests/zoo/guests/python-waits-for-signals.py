# guest: none at all: takes TERM with sigwait, which /proc shows as if nobody did
# prints: told TERM
# expect: well, exit 0, 1 process
# expect: 1 python-waits-for-signals: TERM from outside, sigwait; exit 0
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"told TERM\n")
