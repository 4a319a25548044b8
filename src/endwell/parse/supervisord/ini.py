"""The format below supervisord.conf: sections and options as Python's RawConfigParser has them, with lines.

supervisord reads with RawConfigParser(strict=False, inline_comment_prefixes=";#"), whose rules are, in full:

* a section may come twice, in one file or several: what is said last counts, where it was said first stays
  its place in the order. [DEFAULT] is no section: what it has, every section has.
* `name = value` or `name: value`, whichever sign comes first; names are put in lower case.
* a line that is indented deeper than the option before it continues that option, whatever it looks like; an
  empty line is part of it, unless it has a comment.
* a comment begins at `;` or `#`, at the start of a line or after white space, also within quotes. The signs
  are looked for in rounds, the n-th of each kind at the same time: in `a#b #c ;d` the first round already
  finds the semicolon, so that ` #c` is part of the value.
* what follows a section's closing bracket is ignored; the last bracket of the line closes it.

The standard library's own parser is not used because it does not say where an option stands.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from endwell.model.place import Place
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.parse.supervisord.problems import Report

_SECTION = re.compile(r"\[(.+)\]")
_DELIMITER = re.compile("[=:]")
_COMMENT_SIGNS = ";#"
_HERE = "%(here)s"
_FIRST_WORD = re.compile(r"\S")
DEFAULT = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Option:
    """A value as written, without its comments.

    Args:
        value: several lines are joined by line feeds.
        place: where the option begins.
        comment: what was cut off as a comment on its own lines.
        swallowed: lines that were meant to be something else, by the look of them.
    """

    value: str
    place: Place
    comment: str = ""
    swallowed: tuple[Place, ...] = ()


@dataclass(slots=True)
class Section:
    """A section's options by name, in the order of their first mention.

    Args:
        name: between the brackets.
        place: where it begins.
        options: all that is said in it.
        again: where else it begins.
    """

    name: str
    place: Place
    options: dict[str, Option] = field(default_factory=dict)
    again: list[Place] = field(default_factory=list)


@dataclass(slots=True)
class Ini:
    """What one or more files say together.

    Args:
        sections: by name, in the order of their first mention.
        defaults: the options of [DEFAULT].
    """

    sections: dict[str, Section] = field(default_factory=dict)
    defaults: dict[str, Option] = field(default_factory=dict)

    def option(self, section: str, name: str) -> Option | None:
        """Return an option of a section, or of [DEFAULT]; None where neither has it."""
        own = self.sections[section].options.get(name) if section in self.sections else None
        return own or self.defaults.get(name)

    def options(self, section: str) -> dict[str, Option]:
        """Return the options of a section and those it has from [DEFAULT], in that order."""
        return self.sections[section].options | {
            name: option
            for name, option in self.defaults.items()
            if name not in self.sections[section].options
        }

    def fix_here(self, here: str) -> None:
        """Put a directory in place of every %(here)s read so far, as it is done before the next file is."""
        for section in self.sections.values():
            for name, option in self.options(section.name).items():
                if _HERE in option.value:
                    section.options[name] = replace(option, value=option.value.replace(_HERE, here))


def read_ini(text: str, file: str, ini: Ini, report: Report) -> None:
    """Add what a file says to what others have said before.

    Args:
        text: of the file.
        file: its name, for places and errors.
        ini: is added to.
        report: gets what cannot be read.
    """
    _Reader(file, ini, report).read(text)


def _comment(line: str) -> int | None:
    """Where the comment of a line begins; None without one."""
    if ";" not in line and "#" not in line:
        return None
    if line.lstrip()[:1] in tuple(_COMMENT_SIGNS):
        return 0
    rounds = zip_longest(*([at for at, sign in enumerate(line) if sign == one] for one in _COMMENT_SIGNS))
    for candidates in rounds:
        starts = [at for at in candidates if at is not None and (at == 0 or line[at - 1].isspace())]
        if starts:
            return min(starts)
    return None


@dataclass(slots=True)
class _Lines:
    """An option while its lines come in."""

    place: Place
    lines: list[str]
    comments: list[str]
    swallowed: list[Place] = field(default_factory=list)

    def option(self) -> Option:
        value = "\n".join(self.lines).rstrip()
        return Option(value, self.place, " ".join(self.comments), tuple(self.swallowed))


class _Reader:
    def __init__(self, file: str, ini: Ini, report: Report) -> None:
        self.file = file
        self.ini = ini
        self.report = report
        self.options: dict[str, Option] | None = None
        self.section = ""
        self.name = ""
        self.open: _Lines | None = None
        self.indent = 0

    def read(self, text: str) -> None:
        for place, line in self.lines(text):
            comment = _comment(line)
            said = line[:comment].strip()
            remark = "" if comment is None else line[comment:].strip()
            if not said:
                if comment is None and self.open:
                    self.open.lines.append("")
                continue
            match = _FIRST_WORD.search(line)
            indent = match.start() if match else 0
            if self.open and indent > self.indent:
                self.open.lines.append(said)
                self.open.comments += [remark] if remark else []
                if _SECTION.match(said):
                    self.open.swallowed.append(place)
            else:
                self.indent = indent
                self.begin(place, said, remark)
        self.close()

    def lines(self, text: str) -> Iterator[tuple[Place, str]]:
        # Only these three end a line; str.splitlines knows more.
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        # The feed at the end of a file's last line begins no further one.
        for number, line in enumerate(lines if lines[-1] else lines[:-1], start=1):
            yield Place(self.file, number), line

    def begin(self, place: Place, said: str, remark: str) -> None:
        """Begin a section or an option."""
        if match := _SECTION.match(said):
            self.close()
            self.section = match[1]
            if self.section == DEFAULT:
                self.options = self.ini.defaults
            else:
                section = self.ini.sections.setdefault(self.section, Section(self.section, place))
                if place != section.place:
                    section.again.append(place)
                self.options = section.options
        elif self.options is None:
            why = "no section has begun yet; put a line [supervisord] first"
            if said.startswith("\ufeff"):
                why = "the file begins with a byte order mark; save it without one"
            self.report.error(place, f"cannot read {said!r}: {why}")
            self.options = {}  # said once is enough
        elif (delimiter := _DELIMITER.search(said)) and delimiter.start():
            self.close()
            self.name = said[: delimiter.start()].rstrip().lower()
            value = said[delimiter.end() :].strip()
            self.open = _Lines(place, [value], [remark] if remark else [])
        else:
            self.report.error(
                place,
                f"cannot read {said!r} in [{self.section}]: it is neither [section] nor name=value; "
                "indent it if it continues the line above, or put ; in front of it if it is a comment",
            )

    def close(self) -> None:
        """Keep the option whose lines have all come in."""
        if self.open and self.options is not None:
            option = self.open.option()
            for place in option.swallowed:
                self.report.warn(
                    place,
                    f"this line is indented and so part of the value of {self.name} at {option.place}: "
                    "remove the white space in front of it",
                )
            self.options[self.name] = option
        self.open = None
