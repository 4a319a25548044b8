"""`endwell completion`: static text, so that a shell completes without starting Python."""

import argparse

from endwell.cli import shells

EXAMPLES = """\
Write it where the shell looks for it, once:

  bash   endwell completion bash > ~/.local/share/bash-completion/completions/endwell
  zsh    endwell completion zsh > "${fpath[1]}/_endwell"
  fish   endwell completion fish > ~/.config/fish/completions/endwell.fish

or for the running shell only:

  source <(endwell completion bash)"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print what makes a shell complete the words of endwell and endwell-init."
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=tuple(shells.WRITERS), help="the shell it is for")


def run(options: argparse.Namespace) -> int:
    """Print the text for one shell; returns 0."""
    print(shells.write(options.shell), end="")
    return 0
