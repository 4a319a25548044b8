"""A client of PostgreSQL that connects, and stays in the background without asking: `idle_client.py PORT`."""

import os
import socket
import struct
import sys

VERSION = 196_608  # 3.0
WORDS = b"user\0postgres\0database\0postgres\0\0"

connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(struct.pack("!II", 8 + len(WORDS), VERSION) + WORDS)
answer = connection.makefile("rb")
while (kind := answer.read(1)) != b"Z":  # ready for a query
    if kind in {b"", b"E"}:
        sys.exit("PostgreSQL did not let us in")
    (size,) = struct.unpack("!I", answer.read(4))
    answer.read(size - 4)
if not os.fork():
    os.dup2(connection.fileno(), 0)
    os.execvp("cat", ["cat"])  # noqa: S606  a program that waits for the end of the connection
