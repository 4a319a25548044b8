# guest: was started in a directory that it leaves; the init must not hold it busy
# prints: started in /; init is in /
# expect: well, exit 0, 1 process
# expect: 1 leaves-its-directory: TERM from outside, sigwait; exit 0
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
started_in = os.getcwd()
os.chdir("/")
os.write(1, b"started in %s\n" % os.fsencode(started_in))
os.write(1, b"ready\n")
signal.sigwait({signal.SIGTERM})
os.write(1, b"init is in %s\n" % os.readlink(b"/proc/1/cwd"))
os._exit(0)
