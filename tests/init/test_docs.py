"""What the pages say is what the program says."""

from __future__ import annotations

import re
import subprocess

from tests.init.builds import ROOT, shipped

PAGE = ROOT / "docs/reference/init.md"


def test_the_reference_shows_the_help_as_it_is() -> None:
    said = subprocess.run([shipped(), "--help"], capture_output=True, text=True, check=True).stdout
    shown = re.search(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown
    assert shown[1] == said


def test_the_reference_names_every_key_of_the_report() -> None:
    report = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert report
    said = subprocess.run(
        [shipped(), "--report", "-", "true"], capture_output=True, text=True, check=True
    ).stdout
    keys = set(re.findall(r'"(\w+)":', said))
    assert keys <= set(re.findall(r'"(\w+)":', report[1]))
