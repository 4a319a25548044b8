"""`endwell schema`: the JSON schema of endwell.toml, for editors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Print the JSON schema (draft 2020-12) of endwell.toml. Editors that know it complete
the keys and say what is wrong while you type."""

EXAMPLES = """\
examples:
  endwell schema > endwell.schema.json
      and `#:schema ./endwell.schema.json` as the first line of endwell.toml"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES


def run(options: argparse.Namespace) -> int:  # noqa: ARG001  every command has the same
    """Print the schema; returns 0."""
    from endwell.render.services_schema import schema_json  # noqa: PLC0415  --help needs none of it

    sys.stdout.write(schema_json())
    return 0
