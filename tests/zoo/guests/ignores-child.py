# caller: ignores CHLD, so that the kernel reaps on its own and nobody is told of an end
import os
import signal
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
