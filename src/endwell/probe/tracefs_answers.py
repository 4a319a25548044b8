"""What /proc tells a story: asked for by a record, or before the stop about everybody who is there.

A process may have gone when it is asked about: then nothing is told, and the story goes by what it has.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.machine.question import Ask, Want
from endwell.parse.procfs import read_status
from endwell.probe.members import command_line, find, is_foreign, members, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.machine.question import Found
    from endwell.machine.story import Story
    from endwell.parse.trace import Record

# How long to ask about those who are there before the stop, in seconds, and about how many threads of each.
_LONGEST = 0.2
_MOST_THREADS = 64


def answer(story: Story, want: Want, one: Record, identity: tuple[int, int] | None) -> None:
    """Look up what a record makes the story ask for; `identity` is the container's PID namespace."""
    with suppress(OSError, ValueError, IndexError):
        if want.ask is Ask.ARGV:
            since = time.monotonic()
            argv = command_line(want.tid)
            story.named(time.monotonic(), want.tid, argv, since)
            story.foreign = story.foreign or is_foreign(want.tid)
            if story.lacks_number(want.tid):
                inside = read_status(Path(f"/proc/{want.tid}/status").read_text(errors="replace")).inside
                story.numbered(time.monotonic(), want.tid, inside)
        elif want.ask is Ask.MASKS:
            look(story, want.tid)
        elif want.ask is Ask.VISITOR:
            its = namespace_of(want.tid)
            if its is not None:
                story.visitors.know(want.tid, find(want.tid).inside if its == identity else None)
        elif identity is not None:
            _receive(story, want.tid, one, identity)


def _receive(story: Story, tid: int, one: Record, identity: tuple[int, int]) -> None:
    """Take in who came from outside, if it is here that he came."""
    its, since = namespace_of(tid), time.monotonic()
    if its not in {None, identity}:
        return
    try:
        if its is None:
            raise ProcessLookupError
        found = find(tid)
    except (OSError, ValueError, IndexError):
        story.visitors.lose(tid)
        return
    until = time.monotonic()
    # Its command line may be a later program's, and its one thread is what an exec leaves.
    story.found(until, found._replace(born=one.at, parent=0, path=one.text, argv=(), threads=(tid,)))
    story.named(until, tid, found.argv, since)


def look(story: Story, pid: int) -> None:
    """Tell the story the signal masks of a process."""
    with suppress(OSError, ValueError):
        at = time.monotonic()
        status = read_status(Path(f"/proc/{pid}/status").read_text(errors="replace"))
        if status.state in {"Z", "X"}:
            return
        blocked = _blocked_by_all(pid, status.blocked) if status.threads > 1 else status.blocked
        story.looked(at, pid, status.ignored, status.pending | status.shared, blocked)


def acquaint(story: Story) -> None:
    """Tell the story, before the stop, the masks of those who are there."""
    until = time.monotonic() + _LONGEST
    for actor in [*story.living()]:
        if time.monotonic() > until:
            return
        look(story, actor.host)


def glimpses(identity: tuple[int, int]) -> Iterator[tuple[float, float, Found]]:
    """Yield from when until when somebody was read, and what, for everybody in a PID namespace."""
    since = until = time.monotonic()
    for one in members(identity):
        since, until = until, time.monotonic()
        yield since, until, one


def attach(story: Story, pid: int, known: float, identity: tuple[int, int]) -> None:
    """Tell the story who is there already: PID 1, by the host's number `pid`, was born before we came."""
    for found in sorted(members(identity), key=lambda one: (one.tid != pid, one.born)):
        story.found(known, found)


def _blocked_by_all(pid: int, blocked: int) -> int:
    """A signal for the process waits only where every thread blocks it."""
    for place in list(Path(f"/proc/{pid}/task").iterdir())[:_MOST_THREADS]:
        if not blocked:
            break
        with suppress(OSError, ValueError):
            blocked &= read_status((place / "status").read_text(errors="replace")).blocked
    return blocked
