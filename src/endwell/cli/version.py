"""`endwell version`: what to write into a bug report."""

import argparse
import os
import sys

from endwell import __version__
from endwell.cli import init


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Print the versions of endwell and of what it runs on: what to write into a bug report."
    )


def run(options: argparse.Namespace) -> int:
    """Print one line for each part; returns 0."""
    del options
    kernel = os.uname()
    print(f"endwell {__version__}")
    print(f"init    {init.find_binary() or 'not installed'}")
    print(f"python  {'.'.join(map(str, sys.version_info[:3]))}")
    print(f"kernel  {kernel.sysname} {kernel.release} {kernel.machine}")
    return 0
