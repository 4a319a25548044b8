"""An event listener that writes what it is told into a file, one JSON value a line.

With `late` it is ready only when a line comes in FIFO `go` beside that file, and rejects the first two events.
"""

import json
import os
import sys

path, *late = sys.argv[1:]
rejections = 2 if late else 0
if late:
    open(os.path.join(os.path.dirname(path), "go")).readline()
with open(path, "a") as record:
    while True:
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            break
        headers = dict(word.split(":", 1) for word in line.split())
        payload = sys.stdin.read(int(headers["len"]))
        record.write(json.dumps([headers, payload]) + "\n")
        record.flush()
        sys.stdout.write("RESULT 4\nFAIL" if rejections else "RESULT 2\nOK")
        sys.stdout.flush()
        rejections = max(0, rejections - 1)
