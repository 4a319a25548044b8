"""What a process was called at an instant: a shell that has become another program was a shell before."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from endwell.render.document import executions
from endwell.render.family import Lives

if TYPE_CHECKING:
    from endwell.model.report import Report


class Names:
    """The names of a report's processes, by index and instant."""

    def __init__(self, report: Report) -> None:
        self._processes = report.processes
        self._executed = executions(report)
        self._lives = Lives(report.processes)

    def at(self, index: int, instant: float) -> str:
        """Return its number and what it was called then: that of its parent until it executes something."""
        process = self._processes[index]
        return f"{process.pid} {self._name(index, instant) or '(no name)'}"

    def _name(self, index: int, instant: float) -> str:
        seen: set[int] = set()
        while index not in seen:
            seen.add(index)
            process = self._processes[index]
            done = bisect_right(self._executed.get(index, ()), instant)
            if done or not process.executed:
                words = process.argv[min(done, len(process.argv)) - 1] if process.argv else ()
                return words[0].rpartition("/")[2] if words else "?"
            parent = self._lives.find(process.parent, process.born)
            if parent is None:
                break
            index, instant = parent, process.born
        words = self._processes[index].argv[0] if self._processes[index].argv else ()
        return words[0].rpartition("/")[2] if words else "?"
