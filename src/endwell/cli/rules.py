"""`endwell rules`: every rule in one line, or in JSON with its page."""

import argparse
import json
import textwrap
from collections.abc import Sequence

from endwell.rules.table import RULES, Rule

SCHEMA = "endwell.rules/1"
FAMILIES = {
    "EW1": "the signal does not arrive",
    "EW2": "it arrives and is not handled",
    "EW3": "it is handled, but too slowly",
    "EW4": "somebody or something is left behind",
    "EW5": "the exit status",
    "EW9": "hygiene",
}
INDENT = " " * 9
EXAMPLES = """\
examples:
  endwell rules                     every code, its name and what it finds
  endwell rules --json              the same for programs, with the pages
  endwell rule EW101                the page of one rule"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "List what endwell finds, and what that says about how a container ends."
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="print JSON, with every page")


def run(options: argparse.Namespace) -> int:
    """Print the rules in families; returns 0."""
    if options.json:
        print(as_json(RULES))
        return 0
    for family, says in FAMILIES.items():
        print(f"{family}xx  {says}")
        for rule in RULES:
            if rule.code.startswith(family):
                print(f"  {rule.code}  {rule.name}")
                print(textwrap.fill(rule.summary, 79, initial_indent=INDENT, subsequent_indent=INDENT))
    return 0


def as_json(rules: Sequence[Rule]) -> str:
    """The rules as one JSON object: keys may be added to it, none will be renamed."""
    rows = [
        {"code": rule.code, "name": rule.name, "summary": rule.summary, "page": rule.page} for rule in rules
    ]
    return json.dumps({"schema": SCHEMA, "rules": rows}, indent=2, ensure_ascii=False)
