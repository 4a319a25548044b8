# guest: told TERM it stops itself (state T) before it has flushed
# prints: flushed
# expect: well, exit 0, 1 process
# expect: 1 stops-when-told: TERM from outside, sigwait; STOP from itself, discarded; exit 0
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.kill(os.getpid(), signal.SIGSTOP)
os.write(1, b"flushed\n")
os._exit(0)
