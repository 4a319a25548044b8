# guest: a hundred workers, each in a session of its own, each with a little to flush
# expect: partial, exit 0, 101 processes, EW402, EW501
# expect: 1 hundred-sessions: TERM from outside, sigwait; exit 0
# expect: 100 x hundred-sessions: child of 1; never told; killed by namespace
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
started, started_in = os.pipe()
for number in range(100):
    if not os.fork():
        os.setsid()
        os.write(started_in, b"x")
        signal.sigwait({signal.SIGTERM})
        os.write(1, b"flushed %d\n" % number)
        os._exit(0)
for _ in range(100):
    os.read(started, 1)
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os._exit(0)
