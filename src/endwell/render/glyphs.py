"""What stands for what in the terminal: each mark as Unicode and as ASCII, its color, and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass
from endwell.render.words import Hearing, Look, failed, look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.process import Process

# SGR parameters; the eight colors of every terminal, in the user's own scheme.
BOLD, DIM, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = "1", "2", "31", "32", "33", "34", "35", "36"


@dataclass(frozen=True, slots=True)
class Glyph:
    """One mark: two ways to write it, and its meaning; of two in one cell that of higher rank is seen."""

    unicode: str
    ascii: str
    words: str
    rank: int
    style: str = ""


RUN = Glyph("━", "-", "runs", 1)
ZOMBIE = Glyph("░", ":", "zombie", 2, YELLOW)
BORN = Glyph("┣", "|", "forked", 3)
EXECUTED = Glyph("▷", ">", "exec", 4)
SIGNALS: Mapping[Hearing, Glyph] = {
    Hearing.LATE: Glyph("·", ".", "signal came too late", 5, DIM),
    Hearing.WAITING: Glyph("◌", "w", "signal pending or merged", 6, YELLOW),
    Hearing.ACTED: Glyph("◆", "d", "signal, default action", 7, BLUE),
    Hearing.HEARD: Glyph("●", "h", "signal handled", 8, GREEN),
    Hearing.UNHEARD: Glyph("○", "o", "signal ignored or discarded", 9, RED),
}
MANY = Glyph("◎", "m", "several signals, see below", 10, CYAN)
EXIT = Glyph("■", "#", "exit", 11, GREEN)
FAILED = Glyph("▣", "!", "exit, not 0", 11, YELLOW)
SIGNALLED = Glyph("◢", "*", "ended by a signal", 11, BLUE)
KILLED = Glyph("✖", "X", "killed", 12, RED)
ENDS: Mapping[Look, Glyph | None] = {
    Look.LEFT: EXIT,
    Look.EARLIER: EXIT,
    Look.FAILED: FAILED,
    Look.SIGNAL: SIGNALLED,
    Look.KILLED: KILLED,
    Look.CUT: KILLED,
    Look.UNTOLD: KILLED,
    Look.UNKNOWN: None,
}


def end(process: Process) -> Glyph | None:
    """Return the mark of its end: before the stop the same as after it."""
    return FAILED if failed(process) else ENDS[look(process)]


COLORS: Mapping[Look, str] = {
    Look.LEFT: GREEN,
    Look.EARLIER: DIM,
    Look.FAILED: YELLOW,
    Look.SIGNAL: BLUE,
    Look.KILLED: RED,
    Look.CUT: RED,
    Look.UNTOLD: MAGENTA,
    Look.UNKNOWN: DIM,
}
# Behind the lanes: the stop, and the end of the grace period.
STOP = Glyph("│", "|", "", 0, CYAN)
GRACE = Glyph("┊", "'", "", 0, RED)
