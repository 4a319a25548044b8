"""The language in which a guest says what an observer has to see of its ending.

The first `expect:` line is about the whole, in items with commas between them:

    killed, exit 137, 2 processes, EW101, perhaps EW402

- how it ends: `well`, `partial`, `killed` or `unknown`;
- `exit 137`, the status as the engine reports it; `by itself` when it ended before anybody asked it to;
- `2 processes`, all that ever lived;
- the codes of the rules that have to find something, be it an error or a warning. No other one may.

Every further line is about a process, its facts with semicolons between them:

    1 dash: TERM from outside, discarded; killed by engine
    3 x sleep: child of 1; never told; killed by namespace or exit 0; reaped by 1

- who: its number inside, the name of its program or guest, or both; `3 x` for so many alike, `some` for at
  least one. `child of 1` and `adopted by 1` help to tell processes apart that have the same name;
- the signals it was sent, in order: `TERM from SENDER, FATE`. A sender is `outside`, `kernel`, `namespace`,
  `itself`, or a number. If one is named all are, but for CHLD, URG, WINCH and the KILL of `killed by`; `...`
  stands for any number of them. `no signals` for none at all;
- `told` or `never told`;
- how it ended: `exit 0`, `dies of TERM`, `killed by engine` (`namespace`, `outside`, or a number);
- `reaped by 1` (0: from outside), or `zombie`.

Wherever the outcome is a race, `or` joins what may happen, and `perhaps` stands before a code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from endwell.model.finding import Ending
from endwell.model.process import Killer
from endwell.model.signals import Signal
from endwell.model.timeline import Fate, Origin
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias, TypeVar

    Item = TypeVar("Item")

_CODE = re.compile(r"EW\d{3}")
_WHO = re.compile(
    r"(?:(?P<count>[1-9]\d*) x |(?P<some>some) )?(?P<pid>[1-9]\d*)?(?(pid)(?: |$))(?P<name>[^\s:]+)?"
)
_SIGNAL = re.compile(r"(?P<signal>\S+) from (?P<senders>[^,]+), (?P<fates>[^,]+)")

Sender: TypeAlias = "Origin | int | str"  # ITSELF is the only word


ITSELF = "itself"
ANY_SIGNALS = "..."


@dataclass(frozen=True, slots=True)
class Code:
    """One finding: one of `rules`; one that is not certain may be missing."""

    rules: tuple[str, ...]
    certain: bool = True

    def __str__(self) -> str:
        return ("" if self.certain else "perhaps ") + " or ".join(self.rules)


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal, one of its possible senders, and one of its possible fates."""

    signal: Signal
    senders: tuple[Sender, ...]
    fates: tuple[Fate, ...]

    def __str__(self) -> str:
        senders = " or ".join(one.value if isinstance(one, Origin) else str(one) for one in self.senders)
        name = self.signal.name.removeprefix("SIG")
        return f"{name} from {senders}, {' or '.join(fate.value for fate in self.fates)}"


@dataclass(frozen=True, slots=True)
class Ended:
    """One way to end: by itself with `code`, of `signal`, or killed by `killer`: a Killer or a number."""

    code: int | None = None
    signal: Signal | None = None
    killer: Killer | int | None = None

    def __str__(self) -> str:
        if self.killer is not None:
            return f"killed by {self.killer.value if isinstance(self.killer, Killer) else self.killer}"
        return f"dies of {self.signal.name.removeprefix('SIG')}" if self.signal else f"exit {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is to be seen of one process, or of several alike; None and empty mean that nothing is said.

    `count` None means at least one. `signals` holds `Sent` and ANY_SIGNALS.
    """

    pid: int | None = None
    name: str | None = None
    count: int | None = 1
    parent: int | None = None
    adopter: int | None = None
    signals: tuple[Sent | str, ...] | None = None
    told: bool | None = None
    ends: tuple[Ended, ...] = ()
    reapers: tuple[int, ...] = ()
    zombie: bool = False

    @property
    def who(self) -> str:
        """How the line begins."""
        many = "some " if self.count is None else f"{self.count} x " if self.count > 1 else ""
        return many + " ".join(str(one) for one in (self.pid, self.name) if one is not None)

    def __str__(self) -> str:
        facts = [
            *([f"child of {self.parent}"] if self.parent is not None else ()),
            *([f"adopted by {self.adopter}"] if self.adopter is not None else ()),
            *(["no signals"] if self.signals == () else map(str, self.signals or ())),
            *(["told" if self.told else "never told"] if self.told is not None else ()),
            *([" or ".join(map(str, self.ends))] if self.ends else ()),
            *(["reaped by " + " or ".join(map(str, self.reapers))] if self.reapers else ()),
            *(["zombie"] if self.zombie else ()),
        ]
        return f"{self.who}: {'; '.join(facts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an observer has to see of one ending; see the top of this module."""

    endings: tuple[Ending, ...]
    statuses: tuple[int, ...] = ()
    by_itself: bool = False
    processes: int | None = None
    codes: tuple[Code, ...] = ()
    people: tuple[Person, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return it as it was written, a line each."""
        items = [
            " or ".join(ending.value for ending in self.endings),
            *(["exit " + " or ".join(map(str, self.statuses))] if self.statuses else ()),
            *(["by itself"] if self.by_itself else ()),
            *([_processes(self.processes)] if self.processes is not None else ()),
            *map(str, self.codes),
        ]
        return ", ".join(items), *map(str, self.people)


def parse(lines: Sequence[str]) -> Expectation:
    """Read the `expect:` lines of a guest.

    Raises:
        ValueError: what is not understood, and what is.
    """
    if not lines:
        raise ValueError("there is nothing to read; begin with how it ends, as in 'well, exit 0'")
    whole = _Whole()
    for item in lines[0].split(", "):
        whole.add(item.strip())
    if not whole.endings:
        raise ValueError(f"{lines[0]!r} does not say how it ends; begin with {_words(Ending)}")
    return Expectation(
        endings=whole.endings,
        statuses=whole.statuses,
        by_itself=whole.by_itself,
        processes=whole.processes,
        codes=tuple(whole.codes),
        people=tuple(_person(line) for line in lines[1:]),
    )


class _Whole:
    """The first line, while it is read."""

    def __init__(self) -> None:
        self.endings: tuple[Ending, ...] = ()
        self.statuses: tuple[int, ...] = ()
        self.by_itself = False
        self.processes: int | None = None
        self.codes: list[Code] = []

    def add(self, item: str) -> None:
        first, _, rest = item.partition(" ")
        if first in {ending.value for ending in Ending}:
            self.endings = _alternatives(item, Ending, item)
        elif first == "exit":
            self.statuses = _alternatives(rest, int, item)
        elif item == "by itself":
            self.by_itself = True
        elif rest in {"process", "processes"} and first.isdecimal():
            self.processes = int(first)
        elif first == "perhaps":
            self.codes.append(Code(_alternatives(rest, _rule, item), certain=False))
        elif _CODE.fullmatch(first):
            self.codes.append(Code(_alternatives(item, _rule, item)))
        else:
            raise ValueError(
                f"{item!r} is not understood; there are {_words(Ending)}, 'exit N', 'by itself', "
                "'N processes', 'EW101' and 'perhaps EW101'"
            )


def _person(line: str) -> Person:
    who, colon, rest = line.partition(":")
    match = _WHO.fullmatch(who.strip())
    if not colon or match is None or not (match["pid"] or match["name"]):
        raise ValueError(f"{line!r} does not begin with who it is about, as in '1 dash:' or '3 x sleep:'")
    facts = _Facts()
    for fact in rest.split(";"):
        facts.add(fact.strip())
    return Person(
        pid=int(match["pid"]) if match["pid"] else None,
        name=match["name"],
        count=None if match["some"] else int(match["count"] or 1),
        parent=facts.parent,
        adopter=facts.adopter,
        signals=None if facts.signals is None else tuple(facts.signals),
        told=facts.told,
        ends=facts.ends,
        reapers=facts.reapers,
        zombie=facts.zombie,
    )


class _Facts:
    """A line about a process, while it is read."""

    def __init__(self) -> None:
        self.parent: int | None = None
        self.adopter: int | None = None
        self.signals: list[Sent | str] | None = None
        self.told: bool | None = None
        self.ends: tuple[Ended, ...] = ()
        self.reapers: tuple[int, ...] = ()
        self.zombie = False

    def add(self, fact: str) -> None:
        """Take one fact; ValueError for one that says nothing."""
        if match := _SIGNAL.fullmatch(fact):
            self.signals = [*(self.signals or ()), _sent(match, fact)]
        elif fact == ANY_SIGNALS:
            self.signals = [*(self.signals or ()), ANY_SIGNALS]
        elif fact == "no signals":
            self.signals = []
        elif fact in {"told", "never told"}:
            self.told = fact == "told"
        elif fact == "zombie":
            self.zombie = True
        elif fact.startswith("child of "):
            self.parent = _alternatives(fact.removeprefix("child of "), int, fact)[0]
        elif fact.startswith("adopted by "):
            self.adopter = _alternatives(fact.removeprefix("adopted by "), int, fact)[0]
        elif fact.startswith("reaped by "):
            self.reapers = _alternatives(fact.removeprefix("reaped by "), int, fact)
        elif fact.startswith(("exit ", "dies of ", "killed by ")):
            self.ends = _alternatives(fact, _ended, fact)
        else:
            raise ValueError(
                f"{fact!r} is not understood; there are 'TERM from outside, handler', '...', 'no signals', "
                "'told', 'never told', 'exit 0', 'dies of TERM', 'killed by engine', 'reaped by 1', "
                "'zombie', 'child of 1' and 'adopted by 1'"
            )


def _sent(match: re.Match[str], fact: str) -> Sent:
    return Sent(
        _alternatives(match["signal"], Signal.parse, fact)[0],
        _alternatives(match["senders"], _sender, fact),
        _alternatives(match["fates"], Fate, fact),
    )


def _sender(word: str) -> Sender:
    if word == ITSELF:
        return ITSELF
    return int(word) if word.isdecimal() else Origin(word)


def _ended(words: str) -> Ended:
    kind, _, rest = words.partition(" ")
    if kind == "exit":
        return Ended(code=int(rest))
    if words.startswith("dies of "):
        return Ended(signal=Signal.parse(words.removeprefix("dies of ")))
    if words.startswith("killed by "):
        who = words.removeprefix("killed by ")
        return Ended(killer=int(who) if who.isdecimal() else Killer(who))
    raise ValueError(f"{words!r} is no way to end: 'exit 0', 'dies of TERM', 'killed by engine'")


def _processes(number: int) -> str:
    return f"{number} process" if number == 1 else f"{number} processes"


def _rule(word: str) -> str:
    if not _CODE.fullmatch(word):
        raise ValueError(f"{word!r} is not the code of a rule, such as EW101")
    return word


def _alternatives(text: str, read: Callable[[str], Item], whole: str) -> tuple[Item, ...]:
    try:
        return tuple(read(word) for word in text.split(" or "))
    except ValueError as error:
        raise ValueError(f"{whole!r} is not understood: {error}") from error


def _words(values: type[Ending]) -> str:
    return ", ".join(value.value for value in values)
