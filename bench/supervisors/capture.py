"""How fast one loop takes what a service writes to where it belongs, and what that costs.

One writer gives so many megabytes of 100-byte lines to a pipe, in blocks of 64 KiB or line by line; we carry
them to a file on tmpfs, or to a pipe that `cat` empties, plain or with every kind of prefix. Beside it stands
the yardstick of the machine at this very moment: the same bytes through os.read and os.write alone. Rounds
take turns; the best of each is what the code can do, the others are the machine's doing.

Run it as `python -m bench.supervisors.capture [--megabytes N] [--rounds N] [--only WORD]`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.model.service import Log, Prefix, Rotation, ServiceSpec
from endwell.supervise.logs.capture import Capture
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITER = """
import os, sys
size, block = int(sys.argv[1]), int(sys.argv[2])
line = b"x" * 99 + b"\\n"
piece = (line * (block // 100 + 1))[:block]
count = size // len(line)
if block == 100:
    for _ in range(count): os.write(1, line)
else:
    left = count * 100
    stream = line * 1311
    at = 0
    while left:
        n = os.write(1, stream[at:at + min(block, left)])
        left -= n
        at = (at + n) % 100
"""
_MB = 1_000_000
_LINE = 100


@dataclass(frozen=True)
class Case:
    """One way to carry lines: `log` is where to, None the bare loop; `block` bytes are written at once."""

    name: str
    log: Callable[[str], Log] | None
    block: int = 65536


CASES = (
    Case("bare read and write", None),
    Case("file", Log),
    Case("file, 50 MB rotation", lambda path: Log(path, rotation=Rotation(50 * _MB, keep=2))),
    Case("file, time", lambda path: Log(path, Prefix.TIME)),
    Case("file, JSON", lambda path: Log(path, Prefix.JSON)),
    Case("stdout", lambda _: Log(prefix=Prefix.NONE)),
    Case("stdout, name", lambda _: Log()),
    Case("stdout, time", lambda _: Log(prefix=Prefix.TIME)),
    Case("stdout, JSON", lambda _: Log(prefix=Prefix.JSON)),
    Case("bare, a write per line", None, _LINE),
    Case("file, a write per line", Log, _LINE),
    Case("stdout, name, a write per line", lambda _: Log(), _LINE),
)


class _Watcher:
    def __init__(self, loop: Loop) -> None:
        self.watch = loop.watch
        self.forget = loop.forget

    def wake_at(self, at: float | None) -> None:
        if at is not None:
            raise SystemExit("the log cannot be written: is there room on the disk?")


def _start(size: int, block: int, descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-ISc", _WRITER, str(size), str(block)], stdout=descriptor)


def _bare(size: int, block: int, path: str) -> tuple[float, float]:
    reading, writing = os.pipe()
    target = os.open(path, os.O_WRONLY | os.O_CREAT)
    child = _start(size, block, writing)
    os.close(writing)
    first = os.read(reading, 65536)
    begun, used = time.perf_counter(), time.process_time()
    os.write(target, first)
    while data := os.read(reading, 65536):
        os.write(target, data)
    took = time.perf_counter() - begun, time.process_time() - used
    child.wait()
    os.close(reading)
    os.close(target)
    return took


def _carried(size: int, case: Case, path: str) -> tuple[float, float]:
    assert case.log is not None  # noqa: S101  the other kind has no log
    log = case.log(path)
    cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert cat.stdin is not None  # noqa: S101  asked for above
    loop = Loop()
    standard = cat.stdin.fileno()
    capture = Capture(_Watcher(loop), loop.now, time.time, print, (standard, standard))
    outlets = capture.open(ServiceSpec(name="web", command=("x",), stdout=log))
    begun: list[tuple[float, float]] = []

    def start(*_: object) -> None:
        if not begun:
            begun.append((time.perf_counter(), time.process_time()))

    outlets.watch(start)
    child = _start(size, case.block, outlets.stdout)
    outlets.close()
    while not capture.empty:
        loop.turn()
    took = time.perf_counter() - begun[0][0], time.process_time() - begun[0][1]
    for sentence in capture.close():
        print(sentence)
    loop.close()
    child.wait()
    cat.stdin.close()
    cat.wait()
    return took


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=256, help="bytes of each round, in millions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases with this in their names")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    results: dict[str, list[tuple[float, float]]] = {case.name: [] for case in cases}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        for _ in range(options.rounds):
            for case in cases:
                size = options.megabytes * _MB // (4 if case.block == _LINE else 1)
                path = str(Path(directory, "log"))
                took = _bare(size, case.block, path) if case.log is None else _carried(size, case, path)
                results[case.name].append((size / took[0] / _MB, took[1] / size * 1e9))
                for file in Path(directory).iterdir():
                    file.unlink()
    print(f"{'':32} MB/s best  median  CPU s per GB (best)")
    for name, rounds in results.items():
        speeds = sorted(speed for speed, _ in rounds)
        cost = min(cpu for _, cpu in rounds)
        print(f"{name:32} {speeds[-1]:9.0f} {speeds[len(speeds) // 2]:7.0f} {cost:9.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MB; load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
