"""Options of a section as values: found, expanded, converted; what fails is noted and its default taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from endwell.model.place import Place
from endwell.parse.supervisord.expansion import bare, expand
from endwell.parse.supervisord.types import text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.parse.supervisord.ini import Ini, Option
    from endwell.parse.supervisord.problems import Report
    from endwell.parse.supervisord.surroundings import Surroundings

T = TypeVar("T")
D = TypeVar("D")
Names = dict[str, str | int]

_SECRET = "password"  # noqa: S105  the name of an option
# What other programs and forks call what endwell has a key for.
_FOREIGN = {
    "depends_on": "endwell_after",
    "dependent_startup": "endwell_after",
    "dependent_startup_wait_for": "endwell_after",
    "restartpause": "endwell_restart_delay",
    "liveness_check_tcp": "endwell_health",
    "liveness_check_http": "endwell_health",
    "pre_start_hook": "endwell_before_start",
    "pre_stop_hook": "endwell_before_stop",
    "post_stop_command": "endwell_after_stop",
    "nice": "endwell_nice",
}


class Source:
    """A configuration while it is read: its options, what is known around it, what was found wrong.

    Args:
        ini: the options of all files.
        here: the main file's directory.
        surroundings: where it is read.
        report: gets what is wrong or odd.
    """

    def __init__(self, ini: Ini, here: str, surroundings: Surroundings, report: Report) -> None:
        self.ini = ini
        self.here = here
        self.surroundings = surroundings
        self.report = report
        # Grows when [supervisord] has been read; what is read before does not see its environment.
        self.variables: Names = {f"ENV_{name}": value for name, value in surroundings.environment.items()}
        self.asked: dict[str, set[str]] = {}

    def section(self, name: str, **names: str | int) -> Options:
        """Return the options of a section; `names` are what its values may hold besides %(ENV_X)s."""
        return Options(self, name, names)

    def complain_about_unknown(self, name: str) -> None:
        """Warn of the options of a section that nobody has asked for, as supervisord does not."""
        asked = self.asked.get(name, set())
        for option, found in self.ini.sections[name].options.items():
            if option not in asked:
                self.report.warn(found.place, f"[{name}] has no option {option}: {_hint(option, asked)}")


class Options:
    """The options of one section, asked for one by one."""

    def __init__(self, source: Source, section: str, names: Mapping[str, str | int]) -> None:
        self.source = source
        self.name = section
        self.names: Names = dict(names)
        self.asked = source.asked.setdefault(section, set())

    @property
    def place(self) -> Place:
        """Where the section begins."""
        section = self.source.ini.sections.get(self.name)
        return section.place if section else Place("", 0)

    def where(self, option: str) -> Place:
        """Where an option stands, or else its section."""
        found = self.find(option)
        return found.place if found else self.place

    def find(self, option: str) -> Option | None:
        """Return an option as written; None if it is not there."""
        self.asked.add(option)
        return self.source.ini.option(self.name, option)

    def any(self, prefix: str) -> bool:
        """Whether there is an option that begins like this, in the section or in [DEFAULT]."""
        section = self.source.ini.sections.get(self.name)
        own = section.options if section else ()
        return any(name.startswith(prefix) for name in (*own, *self.source.ini.defaults))

    def know(self, *options: str) -> None:
        """Say that these are options of the section although nobody asks for them now."""
        self.asked.update(options)

    def get(
        self,
        option: str,
        convert: Callable[[str], T],
        default: D,
        *,
        names: Mapping[str, str | int] | None = None,
        again: Mapping[str, str | int] | None = None,
    ) -> T | D:
        """Return an option's value.

        Args:
            option: its name.
            convert: from text; raises ValueError with why not and what to do.
            default: where it is not there, or wrong.
            names: what the value may hold, instead of the section's own.
            again: what it may hold when it is expanded a second time. supervisord does so with some options,
                in which a percent sign has to be written as four.
        """
        found = self.find(option)
        if found is None:
            return default
        value = found.value
        rounds = [self.names if names is None else names] + ([] if again is None else [again])
        if "%" not in value:
            rounds = []  # most have none, and to put all names together costs more than all the rest
        try:
            for known in rounds:
                value = self.expanded(option, found, value, self.source.variables | dict(known))
            return convert(value)
        except ValueError as error:
            shown = "(not shown)" if option.endswith(_SECRET) else repr(value)
            self.error(option, f"{option}={shown} {error}")
            return default

    def text(self, option: str, *, names: Mapping[str, str | int] | None = None) -> str | None:
        """Return an option's text, expanded; None where it is not there."""
        return self.get(option, text, None, names=names)

    def raw(self, option: str, default: str) -> str:
        """Return an option as written, nothing expanded."""
        found = self.find(option)
        return found.value if found else default

    def expanded(self, option: str, found: Option, value: str, names: Mapping[str, str | int]) -> str:
        """Expand a value and warn of a conversion that takes everything at once."""
        result = expand(value, names)
        if (conversion := bare(value)) is not None:
            self.source.report.warn(
                found.place,
                f"[{self.name}] {option} has {conversion!r}, which becomes all names and values that "
                f"supervisord knows: write %{conversion}",
            )
        return result

    def error(self, option: str, message: str) -> None:
        """Note that an option cannot be used."""
        self.source.report.error(self.where(option), f"[{self.name}] {message}")

    def warn(self, option: str, message: str) -> None:
        """Note that an option is odd."""
        self.source.report.warn(self.where(option), f"[{self.name}] {message}")


def _hint(option: str, asked: set[str]) -> str:
    if option.startswith("["):
        return "is it a section whose line does not end with ]?"
    if foreign := _FOREIGN.get(option):
        return f"endwell's own word for it is {foreign}"
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(option, sorted(asked), n=1, cutoff=0.75)
    return f"did you mean {near[0]}?" if near else "it is ignored, as supervisord does; remove it"
