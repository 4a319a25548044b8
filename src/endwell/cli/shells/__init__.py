"""Completion for bash, zsh and fish, each written in the shell's own manner from one grammar.

All three also complete `endwell-init`, whose words are those of `endwell init`, and after it the words of the
program that it runs, by whatever completes that program.
"""

from collections.abc import Callable

from endwell.cli.grammar import Words, read_commands, read_top
from endwell.cli.shells import bash, fish, zsh

WRITERS: dict[str, Callable[[Words, tuple[Words, ...]], str]] = {
    "bash": bash.write,
    "zsh": zsh.write,
    "fish": fish.write,
}


def write(shell: str) -> str:
    """Return the text for a shell, one of `WRITERS`."""
    return WRITERS[shell](read_top(), read_commands())
