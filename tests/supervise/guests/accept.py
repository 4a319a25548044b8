"""Accepts on its descriptor 0, as FastCGI programs do, and says its number to whoever connects."""

import os
import socket

with socket.socket(fileno=0) as listening:
    os.write(2, b"accepts %s\n" % os.environ["SUPERVISOR_PROCESS_NAME"].encode())
    while True:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"%d\n" % os.getpid())
