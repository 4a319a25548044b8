"""`endwell rule`: the page of a rule, as it is written in the rule's own file."""

import argparse
import difflib
import re
import sys

from endwell.cli.parser import fail, has_color
from endwell.cli.rules import as_json
from endwell.rules.table import RULES, Rule

EXAMPLES = """\
examples:
  endwell rule EW101                what a finding means, and how to mend it
  endwell rule shell-at-pid1        the same, by its name
  endwell rule --all                every page
  endwell rules                     the list"""

HEADING = re.compile(r"^(#+ .*)$", re.MULTILINE)
WELL_WRITTEN = re.compile(r"EW\d{3}", re.IGNORECASE | re.ASCII)
LOOK_ALIKE = str.maketrans("OIL", "011")
BY_WORD = {word: rule for rule in RULES for word in (rule.code.lower(), rule.name)}


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Print the page of a rule: what happens, why, how to see it and how to mend it."
    parser.epilog = EXAMPLES
    parser.add_argument("rules", metavar="CODE", nargs="*", help="the code of a rule, or its name")
    parser.add_argument("--all", action="store_true", help="print every page")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print the pages asked for; returns 2 for a rule that does not exist."""
    if not options.rules and not options.all:
        return fail("endwell rule", "name a rule, such as EW101; see `endwell rules` for all of them")
    chosen: list[Rule] = list(RULES) if options.all else []
    for word in options.rules:
        rule = BY_WORD.get(word.lower())
        if rule is None:
            return fail("endwell rule", f"{word!r} is not a rule: {suggestion(word)}")
        if rule not in chosen:
            chosen.append(rule)
    text = as_json(chosen) if options.json else "\n".join(rule.page for rule in chosen).rstrip("\n")
    bold = has_color(sys.stdout) and not options.json
    print(HEADING.sub("\033[1m\\1\033[0m", text) if bold else text)
    return 0


def suggestion(word: str) -> str:
    """Say what may have been meant; a code that is well written is unknown, not mistyped."""
    if WELL_WRITTEN.fullmatch(word):
        return "see `endwell rules` for all of them"
    number = re.sub(r"^\W*(EW?)?\W*", "", word.upper()).translate(LOOK_ALIKE)
    if rule := BY_WORD.get(f"ew{number}"):
        return f"did you mean {rule.code}?"
    near = difflib.get_close_matches(word.lower(), BY_WORD, n=3, cutoff=0.6)
    codes = list(dict.fromkeys(BY_WORD[one].code for one in near))
    return f"did you mean {' or '.join(codes)}?" if codes else "see `endwell rules` for all of them"
