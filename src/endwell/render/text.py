"""The report in the terminal: the verdict, the findings, a lane per process, the signals, the last output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Severity, Verdict
from endwell.model.signals import KILL
from endwell.model.timeline import Fate, Origin, Printed
from endwell.records import replace
from endwell.render.clean import cells, clean, fit, wrap
from endwell.render.glyphs import BOLD, CYAN, DIM, GREEN, RED, SIGNALS, YELLOW
from endwell.render.lines import written
from endwell.render.names import Names
from endwell.render.swimlanes import swimlanes
from endwell.render.volleys import repeated, volleys
from endwell.render.words import GROUPS, HEARINGS, NAMED, clock, counted, fates, headline, whence

if TYPE_CHECKING:
    from endwell.model.finding import Finding
    from endwell.model.report import Report
    from endwell.model.traffic import Outcome, Traffic
    from endwell.render.lines import Line
    from endwell.render.options import Options
    from endwell.render.volleys import Volley

NARROWEST = 40
MOST_SIGNALS = 40  # lines
_FIRST = 25  # when there are more: so many of the first, the rest of the last
MOST_OUTPUT = 10
_MOST_NAMES = 4  # receivers of a volley that are named one by one
_MOST_FINDINGS = 30
_MOST_PIDS = 8
_COLORS = {Verdict.WELL: GREEN, Verdict.BADLY: RED, Verdict.UNKNOWN: YELLOW}


def render(report: Report, options: Options) -> str:
    """Return the report as text, in lines of at most `options.width` cells."""
    page = _Page(report, options)
    sections = (
        page.verdict(),
        page.findings(),
        swimlanes(report, page.options) if report.processes else [],
        page.signals(),
        page.output(),
        page.requests(),
        page.limits(),
        page.series(),
    )
    lines: list[Line] = []
    for section in sections:
        if section:
            lines += [[], *section] if lines else section
    return written(lines, color=options.color)


class _Page:
    def __init__(self, report: Report, options: Options) -> None:
        self.report = report
        self.ascii = options.ascii
        self.width = max(NARROWEST, options.width)
        self.options = replace(options, width=self.width)
        self.arrow = "->" if self.ascii else "→"
        self.names = Names(report)
        self.widest = 0

    def clean(self, text: str) -> str:
        return clean(text, ascii=self.ascii)

    def fit(self, text: str, room: int) -> str:
        return fit(self.clean(text), room, ascii=self.ascii)

    def wrapped(self, text: str, indent: str = "") -> list[str]:
        """Lines of the whole width, all but the first indented by spaces as long as `indent`."""
        size = cells(indent)
        lines = wrap(self.clean(text), self.width - size)
        return [(" " * size if place else indent) + line for place, line in enumerate(lines)]

    def verdict(self) -> list[Line]:
        line = headline(self.report)
        if len(line) > self.width:
            line = headline(self.report, brief=True)
        word, colon, rest = self.fit(line, self.width).partition(":")
        return [[(word, f"{BOLD};{_COLORS[self.report.verdict]}"), (colon + rest, BOLD)]]

    def findings(self) -> list[Line]:
        found: list[Line] = []
        for one in self.report.findings[:_MOST_FINDINGS]:
            head = f"{self.fit(one.rule, self.width // 3)} "
            color = RED if one.severity is Severity.ERROR else YELLOW
            kind = "" if one.severity is Severity.ERROR else "warning: "
            lines = self.wrapped(f"{kind}{one.message}{_about(one)}", head)
            found += [[(lines[0][: len(head)], f"{BOLD};{color}"), (lines[0][len(head) :], "")]]
            found += [[(line, "")] for line in lines[1:]]
            step = f"{' ' * cells(head)}{self.arrow} "
            found += [[(line, CYAN)] for line in self.wrapped(one.next, step)]
        if (hidden := len(self.report.findings) - _MOST_FINDINGS) > 0:
            found.append([(f"and {counted(hidden, 'more finding')}", DIM)])
        return found

    def signals(self) -> list[Line]:
        every = repeated(volleys(self.report.processes))
        self.widest = max((len(_short(one)) for one in every), default=0)
        if len(every) <= MOST_SIGNALS:
            return [line for one in every for line in self._signal(one)]
        first, hidden, last = (
            every[:_FIRST],
            every[_FIRST : _FIRST - MOST_SIGNALS],
            every[_FIRST - MOST_SIGNALS :],
        )
        arrivals = tuple(arrival for one in hidden for arrival in one.arrivals)
        until = clock(max(one.until for one in hidden))
        words = f"     ...  {counted(len(arrivals), 'more signal')} until {until}: {fates(arrivals)}"
        return [
            *(line for one in first for line in self._signal(one)),
            [(self.fit(words, self.width), DIM)],
            *(line for one in last for line in self._signal(one)),
        ]

    def _signal(self, one: Volley) -> list[Line]:
        """One line: when, what, from whom to whom, and its fate; the fate goes to a second where it must."""
        head = f"{clock(one.at):>8}  {_short(one):<{max(5, self.widest)}} "
        inside = one.source is not None and one.sender.kind is Origin.PROCESS
        source = (
            self.names.at(one.source, one.at) if inside and one.source is not None else whence(one.sender)
        )
        receivers = list(dict.fromkeys(one.targets))
        many = len(one.arrivals) > len(receivers)
        until = f" until {clock(one.until)}" if clock(one.until) != clock(one.at) else ""
        times = f", {len(one.arrivals)} times{until}" if many else ""
        fate = fates(one.arrivals)
        first = one.arrivals[0]
        killed = first.signal == KILL and first.fate is Fate.DEFAULT
        style = RED if killed else SIGNALS[HEARINGS[first.fate]].style
        room = self.width - len(head)
        names = ", ".join(self.names.at(index, one.at) for index in receivers[:_MOST_NAMES])
        number = f"{len(receivers)} processes"
        if receivers == [one.source] and inside:
            whom = ["itself"]
        elif len(receivers) > _MOST_NAMES:
            whom = [number]
        else:
            whom = [names, number] if len(receivers) > 1 else [names]
        for receiver in whom:
            text = self.clean(f"{source} {self.arrow} {receiver}{times}: ")
            if cells(text) + len(fate) <= room:
                return [[(head, ""), (text, ""), (fate, style)]]
        receiver = self.clean(whom[0])
        source = self.fit(source, max(room // 4, room - cells(f" {self.arrow} {receiver}{times}:")))
        receiver = fit(
            receiver, max(room // 5, room - cells(f"{source} {self.arrow} {times}:")), ascii=self.ascii
        )
        return [
            [(head, ""), (self.fit(f"{source} {self.arrow} {receiver}{times}:", room), "")],
            *([(line, style)] for line in self.wrapped(fate, " " * min(len(head) + 2, self.width // 2))),
        ]

    def output(self) -> list[Line]:
        printed = [event for event in self.report.timeline.events if isinstance(event, Printed)]
        if not printed:
            return []
        # What commands inside have printed was asked for: the container's own lines do not push it out.
        own = {id(one) for one in [one for one in printed if not one.by][-MOST_OUTPUT:]}
        asked = {id(one) for one in [one for one in printed if one.by][-MOST_OUTPUT:]}
        shown = [one for one in printed if id(one) in own | asked]
        hidden = len(printed) - len(shown)
        title = f"the last {len(shown)} of {len(printed)} lines of output" if hidden else "output"
        title += "; in brackets: of which command inside" if asked else ""
        lines: list[Line] = [[(self.fit(title, self.width), BOLD)]]
        for one in shown:
            mark = "! " if one.stream == "stderr" else "  "
            head = f"{clock(one.at):>8} {mark}"
            who = f"[{self.fit(one.by, self.width // 3)}] " if one.by else ""
            lines.append(
                [(head, DIM), (who, CYAN), (self.fit(one.text, self.width - len(head) - cells(who)), "")]
            )
        return lines

    def requests(self) -> list[Line]:
        traffic = self.report.timeline.traffic
        if traffic is None:
            return []
        lost = len(traffic.lost)
        what = "connection" if traffic.target.startswith("tcp:") else "request"
        title = f"{counted(len(traffic.requests), what)}, {lost} lost"
        lines: list[Line] = [
            [
                (title, f"{BOLD};{RED if lost else GREEN}"),
                (self.fit(f" ({traffic.target})", self.width - len(title)), ""),
            ]
        ]
        table = _table(traffic)
        if table and max(map(len, table)) <= self.width:
            lines += [[(line, DIM if not place else "")] for place, line in enumerate(table)]
            return [*lines, *self._groups(traffic)]
        for group, count in _counts(traffic):
            words = ", ".join(f"{number} {outcome.value}" for outcome, number in count.items() if number)
            lines += [[(line, "")] for line in self.wrapped(words, f"  {group:<10} ")]
        return [*lines, *self._groups(traffic)]

    def _groups(self, traffic: Traffic) -> list[Line]:
        """What the kinds of clients are that the table speaks of."""
        found = dict.fromkeys(one.group for one in traffic.requests)
        words = "; ".join(f"{one.value}: {GROUPS[one]}" for one in found)
        return [[(line, DIM)] for line in self.wrapped(words, "  ")] if found else []

    def limits(self) -> list[Line]:
        witness = self.report.timeline.witness
        traffic = self.report.timeline.traffic
        sentences = [*self.report.timeline.notes, *(traffic.notes if traffic else ())]
        if witness.lost:
            sentences.append(f"{counted(witness.lost, 'event')} lost: what is shown may be incomplete")
        limits = bool(witness.lost or witness.blind)
        title = f"what {witness.name} could not see" if limits else "notes"
        title += ", and other notes" if limits and sentences[bool(witness.lost) :] else ""
        sentences += witness.blind
        if not sentences:
            return []
        lines: list[Line] = [[(self.fit(title, self.width), BOLD)]]
        return [*lines, *([(line, "")] for one in sentences for line in self.wrapped(one, "  - "))]

    def series(self) -> list[Line]:
        return [[(line, "")] for one in self.options.series for line in self.wrapped(one)]


def _short(one: Volley) -> str:
    return one.signal.name.removeprefix("SIG")


def _about(one: Finding) -> str:
    """Return whom a finding is about, unless its words have named them all: `python3 (7)`, `PID 1`."""
    named = {int(pid) for pid in NAMED.findall(one.message)}
    if named.issuperset(one.pids):
        return ""
    pids = ", ".join(map(str, one.pids[:_MOST_PIDS])) + (", ..." if len(one.pids) > _MOST_PIDS else "")
    return f" ({'process' if len(one.pids) == 1 else 'processes'} {pids})"


def _counts(traffic: Traffic) -> list[tuple[str, dict[Outcome, int]]]:
    groups = dict.fromkeys(one.group for one in traffic.requests)
    return [(group.value, dict(traffic.count(group))) for group in groups]


def _table(traffic: Traffic) -> list[str]:
    """Return a row per group and a column per outcome, those that have any."""
    rows = _counts(traffic)
    outcomes = (
        [one for one in type(traffic.requests[0].outcome) if any(one in count for _, count in rows)]
        if rows
        else []
    )
    if not outcomes:
        return []
    room = {one: max(len(one.value), 6) for one in outcomes}
    return [
        f"{'':12}" + "  ".join(f"{one.value:>{room[one]}}" for one in outcomes),
        *(
            f"  {group:<10}" + "  ".join(f"{count.get(one, 0) or '-':>{room[one]}}" for one in outcomes)
            for group, count in rows
        ),
    ]
