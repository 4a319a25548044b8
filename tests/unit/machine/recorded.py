"""Traces of real runs: the kernel's own lines, what /proc was seen to say, and the events told from them.

A file `traces/NAME.trace` has a line `follow PID AT`, the lines of trace_pipe that are about the container,
and between them the answers of /proc, as `named [AT, TID, [WORDS]]` and `looked [AT, TID, IGNORED,
PENDING]`. `traces/NAME.events` has one event in a line. `python -m tests.unit.machine.recorded NAME
COMMAND...` records one, as root; read what it writes before you keep it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from endwell.machine.story import Story
from endwell.model.timeline import Died, Event, Executed, Signalled
from endwell.parse.trace import Record, records

TRACES = Path(__file__).parent / "traces"


def replay(name: str) -> list[str]:
    """Return the events told from a recorded trace, one in a line, without times."""
    first, *lines = (TRACES / f"{name}.trace").read_text(encoding="latin-1").splitlines(keepends=True)
    _, pid, known = first.split()
    story = Story(int(pid), float(known))
    kernel = "".join(line for line in lines if not line.startswith(("named ", "looked ")))
    told = [line.partition(" ") for line in lines if line.startswith(("named ", "looked "))]
    steps: list[tuple[float, Record | tuple[str, list[object]]]] = [(one.at, one) for one in records(kernel)]
    steps += [(json.loads(text)[0], (what, json.loads(text))) for what, _, text in told]
    for _, step in sorted(steps, key=lambda one: one[0]):
        if isinstance(step, Record):
            story.feed(*step)
        else:
            getattr(story, step[0])(*step[1])
    events, missing = story.tell()
    return [*map(describe, events), *(f"missing {missing}" for _ in range(missing and 1))]


def describe(event: Event) -> str:
    """Return an event in one line."""
    match event:
        case Executed():
            return f"{event.pid} executed {' '.join(event.argv)!r}"
        case Signalled():
            by = f"{event.sender.kind.value} {event.sender.pid or ''}".strip()
            return f"{event.pid} signalled {event.signal} by {by}: {event.fate.value}"
        case Died():
            by = f" by {event.sender.kind.value} {event.sender.pid or ''}".rstrip() if event.sender else ""
            return f"{event.pid} died {event.signal or event.code}{by}"
        case _:
            other = getattr(event, "parent", getattr(event, "by", ""))
            return f"{getattr(event, 'pid', '')} {type(event).__name__.lower()} {other}"


def record(name: str, command: list[str]) -> None:
    """Run a command under the observer and write down what it read."""
    import pytest  # noqa: PLC0415  only who records needs it

    from endwell.system.tracefs import Tracing  # noqa: PLC0415  likewise
    from tests.probe.conftest import Watch  # noqa: PLC0415  likewise

    raw: list[bytes] = []
    told: list[str] = []
    stories: list[Story] = []

    class Teller(Story):
        def __init__(self, first: int, known: float, most: int = 500_000) -> None:
            super().__init__(first, known, most)
            told.append(f"follow {first} {known:.6f}\n")
            stories.append(self)

        def named(self, at: float, tid: int, argv: tuple[str, ...], since: float | None = None) -> None:
            told.append(f"named {json.dumps([at, tid, argv, since])}\n")
            super().named(at, tid, argv, since)

        def looked(self, at: float, tid: int, ignored: int, pending: int, blocked: int | None = None) -> None:
            told.append(f"looked {json.dumps([at, tid, ignored, pending, blocked])}\n")
            super().looked(at, tid, ignored, pending, blocked)

    read = Tracing.read

    def tee(tracing: Tracing, most: int = 1 << 22) -> bytes:
        raw.append(read(tracing, most))
        return raw[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("endwell.probe.tracefs.Story", Teller)
        patch.setattr(Tracing, "read", tee)
        Watch()(command)
    ours = {str(tid) for tid in stories[0]._tasks}
    lines = b"".join(raw).decode("latin-1").splitlines(keepends=True)
    kept = [line for line in lines if any(f"-{tid} " in line or f"pid={tid} " in line for tid in ours)]
    (TRACES / f"{name}.trace").write_text("".join([*told[:1], *kept, *told[1:]]), encoding="latin-1")
    (TRACES / f"{name}.events").write_text("".join(f"{line}\n" for line in replay(name)))


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
