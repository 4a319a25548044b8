"""Stands in for Redis where it is not installed: keeps keys in memory, saves them when it is told to stop.

Speaks as much of Redis's protocol as the demo needs, over store.sock.
"""

import json
import os
import signal
import socketserver
import sys
from pathlib import Path

FILE = Path("store.json")
data = json.loads(FILE.read_text()) if FILE.exists() else {"keys": {}, "jobs": []}


def answer(words: list[str]) -> str:
    """Perform one command and return the reply in Redis's protocol."""
    match words:
        case ["SET", name, value]:
            data["keys"][name] = value
            return "+OK\r\n"
        case ["DBSIZE"]:
            return f":{len(data['keys'])}\r\n"
        case ["RPUSH", _, *values]:
            data["jobs"] += values
            return f":{len(data['jobs'])}\r\n"
        case ["LPOP", _, count]:
            taken, data["jobs"] = data["jobs"][: int(count)], data["jobs"][int(count) :]
            return f"*{len(taken)}\r\n" + "".join(f"${len(job)}\r\n{job}\r\n" for job in taken)
    return "-ERR unknown command\r\n"


class Connection(socketserver.StreamRequestHandler):
    """One client: arrays of bulk strings in, replies out."""

    def handle(self) -> None:
        """Answer until the client leaves."""
        while header := self.rfile.readline():
            words = []
            for _ in range(int(header[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            self.wfile.write(answer(words).encode())


def leave(_number: int, _frame: object) -> None:
    """Write everything to disk, and end."""
    print("store: Received SIGTERM, saving", flush=True)
    FILE.write_text(json.dumps(data))
    sys.stdout.flush()
    os._exit(0)


signal.signal(signal.SIGTERM, leave)
Path("store.sock").unlink(missing_ok=True)
with socketserver.ThreadingUnixStreamServer("store.sock", Connection) as server:
    print("store: Ready to accept connections", flush=True)
    server.serve_forever()
