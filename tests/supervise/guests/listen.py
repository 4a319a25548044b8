"""An event listener that says on stderr what it is told, and behaves as its first word says.

tell            says OK to everything
reject N        says FAIL to the first N
hang            is ready once, reads what it is told, and never answers
deaf            is ready once and never reads
chat            says hello on its stdout
flood           writes to its stdout for ever, after it was ready
die FILE        ends while it is busy, unless the file is there; leaves the file
kill SIGNAL     sends a signal to its parent at the first end of somebody
late            is ready when a line comes in FIFO `go`
"""

import os
import signal
import sys
import time

how, *rest = sys.argv[1:]


def say(text):
    os.write(2, (text + "\n").encode())


def ready():
    os.write(1, b"READY\n")


def answer(text="OK"):
    os.write(1, f"RESULT {len(text)}\n{text}".encode())


if how == "chat":
    print("hello, I am a listener", flush=True)
if how == "late":
    open("go").readline()
ready()
if how == "flood":
    while True:
        os.write(1, b"x" * 65536)
if how == "deaf":
    signal.pause()
count = 0
while True:
    line = sys.stdin.readline()
    if not line:
        break
    headers = dict(word.split(":", 1) for word in line.split())
    payload = sys.stdin.read(int(headers["len"]))
    say(f"{how} told {headers['eventname']} {payload!r}")
    count += 1
    if how == "hang":
        signal.pause()
    if how == "reject" and count <= int(rest[0]):
        answer("FAIL")
    elif how == "die" and not os.path.exists(rest[0]):
        open(rest[0], "w").close()
        sys.exit(1)
    else:
        answer()
        if how == "kill" and headers["eventname"] in ("PROCESS_STATE_EXITED", "PROCESS_STATE_FATAL"):
            os.kill(os.getppid(), getattr(signal, rest[0]))
    ready()
