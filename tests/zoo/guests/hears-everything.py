# guest: counts on every signal it is sent, the real-time ones 34 to 64 too, and on its child hearing what the group hears
# prints: main told 15
# never prints: child told 15
# expect: partial, exit 7, 2 processes, EW402, EW504
# expect: 1 hears-everything: TERM from outside, sigwait; exit 7
# expect: 2 hears-everything: never told; killed by namespace
import os
import signal
import time

EVERY = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, *range(34, 65)}
signal.pthread_sigmask(signal.SIG_BLOCK, EVERY)
ready, ready_in = os.pipe()
child = os.fork()
name = b"main" if child else b"child"
if child:
    os.read(ready, 1)
    os.write(1, b"ready\n")
else:
    os.write(ready_in, b"x")
while True:
    number = signal.sigwait(EVERY)
    if child and number in {signal.SIGUSR1, signal.SIGUSR2}:
        time.sleep(0.1)  # the child's line comes first, if it is told at all
    os.write(1, b"%s told %d\n" % (name, number))
    if number == signal.SIGTERM:
        os._exit(7)
