"""`python -m tests.unit.cli` writes the reference of the commands into docs/reference."""

from pathlib import Path

from tests.unit.cli.commands_page import commands_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "commands.md"

if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
