"""`python -m tests.unit.parse.services` writes the reference of endwell.toml into docs/reference."""

from pathlib import Path

from endwell.render.services_page import services_page
from endwell.render.services_schema import schema_json

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"
PAGES = {"services.md": services_page, "endwell.schema.json": schema_json}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
