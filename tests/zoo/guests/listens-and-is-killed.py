# guest: a server on a port of the loopback that has no handler: it is killed while it listens
# grace: 0.5
# expect: killed, exit 137, 1 process, EW201
# expect: 1 listens-and-is-killed: TERM from outside, discarded; killed by engine
import os
import socket

with socket.create_server(("127.0.0.1", 0)) as server:
    os.write(1, b"ready\n")
    server.accept()
