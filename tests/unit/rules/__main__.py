"""`python -m tests.unit.rules` writes the pages of the rules into docs/reference/rules."""

from __future__ import annotations

from pathlib import Path

from endwell.rules import RULES

DIRECTORY = Path(__file__).parents[3] / "docs" / "reference" / "rules"
INTRODUCTION = """\
# Rules

What endwell finds when a container is stopped. The first digit says what it is about: EW1xx the signal does
not arrive, EW2xx it arrives and is not handled, EW3xx it is handled, but too slowly, EW4xx somebody or
something is left behind, EW5xx the exit status, EW9xx hygiene. `endwell rule CODE` prints a page.

A finding is an error or a warning; with an error the verdict is `ends badly`. The `ending` is about processes
only: `partial` as soon as one was killed, even a `sleep` that has nothing to lose, whose finding is a
warning. So an ending can be `partial` and the verdict `ends well`.

A consequence is not repeated where its cause has been named: that the grace period was over (EW301) where
nobody could hear the signal (EW201), or who was never told (EW402) where the shell in front of them (EW101)
is the finding.

| code | name | what it finds |
|---|---|---|
"""


def pages() -> dict[str, str]:
    """Return the text of every file, by its name."""
    rows = [f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.summary} |\n" for rule in RULES]
    return {"index.md": INTRODUCTION + "".join(rows)} | {f"{rule.code}.md": rule.page for rule in RULES}


if __name__ == "__main__":
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for old in DIRECTORY.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (DIRECTORY / name).write_text(text)
