# guest: none at all: a server that listens on a port of the loopback, and closes it when told
# prints: closed
# expect: well, exit 0, 1 process
# expect: 1 listens-on-a-port: TERM from outside, sigwait; exit 0
import os
import signal
import socket

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
with socket.create_server(("127.0.0.1", 0)):
    os.write(1, b"ready\n")
    signal.sigwait({signal.SIGTERM})
os.write(1, b"closed\n")
