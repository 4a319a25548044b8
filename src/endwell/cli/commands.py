"""The table of sub-commands: to add one, add a line here and a module that fits `Module`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


class Module(Protocol):
    """What a sub-command's module defines."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the description, the options and the examples."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


class ForwardingModule(Protocol):
    """What the module of a sub-command defines that passes its words on to another program."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Describe the other program's options, for completion only."""

    def forward(self, words: Sequence[str]) -> int:
        """Become the other program; returns an exit status only when that is impossible."""


class Command(NamedTuple):  # a dataclass would import half of the standard library
    """A sub-command: its name, its module in this package, and what it does, in one line.

    One that forwards leaves its words to another program. One that stays lives as long as the container, and
    what it has imported as well.
    """

    name: str
    module: str
    summary: str
    forwards: bool = False
    stays: bool = False

    def load(self) -> Module:
        """Import the module of a command whose words argparse reads."""
        return cast("Module", importlib.import_module(f"endwell.cli.{self.module}"))

    def load_forwarding(self) -> ForwardingModule:
        """Import the module of a command whose words another program reads."""
        return cast("ForwardingModule", importlib.import_module(f"endwell.cli.{self.module}"))


COMMANDS = (
    Command("up", "up", "run the services of a container, and end them well", stays=True),
    Command("ps", "ps", "list the services of a running `up`"),
    Command("logs", "logs", "print what services have written, and follow it"),
    Command("start", "start", "start services, and those they wait for"),
    Command("stop", "stop", "stop services, each in its own way and time"),
    Command("restart", "restart", "restart services, replicas one by one"),
    Command("kill", "kill", "send a signal to services"),
    Command("top", "top", "list the processes of services"),
    Command("exec", "exec", "run a command beside a service, with its environment"),
    Command("attach", "attach", "be the terminal of a service"),
    Command("events", "events", "print what happens to services, as it happens"),
    Command("reload", "reload", "apply a changed file; what has not changed is not touched"),
    Command("probe", "probe", "stop a container for real, and say whether it ended well"),
    Command("init", "init", "run a program as PID 1 and end its whole tree well", forwards=True),
    Command("plan", "plan", "show how services start and stop, and whether it fits the grace"),
    Command("convert", "convert", "write the endwell.toml of a supervisord.conf or a Procfile"),
    Command("schema", "schema", "print the JSON schema of endwell.toml, for editors"),
    Command("supervisord", "supervisord", "as supervisord, with its command line", forwards=True),
    Command("supervisorctl", "supervisorctl", "as supervisorctl, with its command line", forwards=True),
    Command("rule", "rule", "print a rule's page: what a finding means, how to mend it"),
    Command("rules", "rules", "list the rules"),
    Command("completion", "completion", "print what makes a shell complete endwell's words"),
    Command("version", "version", "print the versions of endwell and of what it runs on"),
)
BY_NAME = {command.name: command for command in COMMANDS}
