"""The page of a report in a real browser: its numbers, its colors, on a phone, on paper, without scripts."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from endwell.render import render
from endwell.render.document import document
from endwell.render.marks import LOOKS
from endwell.render.words import look, seconds
from tests.render.browser import Pixels, browse, found
from tests.render.reports import REPORTS
from tests.unit.render.test_html import Page, look_up

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(found() is None, reason="no browser; install chromium"),
]

# The style sheet's colors by day.
COLORS = {
    "left": (0x00, 0x9E, 0x73),
    "earlier": (0xA9, 0xB4, 0xBD),
    "failed": (0xE6, 0x9F, 0x00),
    "signal": (0x00, 0x72, 0xB2),
    "killed": (0xD5, 0x5E, 0x00),
    "cut": (0xD5, 0x5E, 0x00),
    "untold": (0xB5, 0x52, 0x8F),
}
PATTERNED = {"cut", "untold"}
PAPER = (0xF6, 0xF5, 0xF1)
NIGHT = (0x14, 0x18, 0x1C)
BY_DAY, BY_NIGHT = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"

# Writes where things are into the page, for a test to read: the page's own policy lets no other script in.
MEASURE = """
<script>
const box = (one) => { const r = one.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; };
const all = (what) => [...document.querySelectorAll(what)];
const measured = document.createElement("pre");
measured.id = "measured";
measured.textContent = JSON.stringify({
  bars: all("svg.picture .lane .bar").map((bar) => [
    bar.closest(".lane").dataset.pids, bar.getAttribute("class"), box(bar),
  ]),
  picture: box(document.querySelector("svg.picture")),
  width: [document.documentElement.scrollWidth, window.innerWidth],
  height: document.documentElement.scrollHeight,
  font: getComputedStyle(document.querySelector("svg.picture text.label")).fontSize,
  labels: all("svg.picture text.label").map(box),
  words: all("svg.picture text.word").map(box),
  tips: all("[data-tip]").length,
  titles: all("svg.picture title").length,
});
document.body.append(measured);
</script>
"""


# Reading pixels takes its time: only the picture, please.
ONLY = "<style>header, section:not(:has(svg.picture)), footer { display: none !important }</style></head>"


def written(folder: Path, name: str, *, measure: bool = False, only: bool = False) -> Path:
    """Write the page of a report (or `only` its picture) and return its path."""
    text = render("html", REPORTS[name]())
    if only:
        text = text.replace("</head>", ONLY)
    if measure:
        text = re.sub(r"<meta http-equiv=.Content-Security-Policy.[^>]*>", "", text)
        text = text.replace("</body>", MEASURE + "</body>")
    path = folder / f"{name}.html"
    path.write_text(text, encoding="utf-8")
    return path


def measured(folder: Path, name: str, width: int, *, only: bool = False) -> dict[str, Any]:
    """Return where things are in a window so wide."""
    dom = browse(
        written(folder, name, measure=True, only=only), "--dump-dom", f"--window-size={width},1000", BY_DAY
    )
    match = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)
    assert match
    values: dict[str, Any] = json.loads(html.unescape(match[1]))
    return values


@pytest.mark.parametrize("name", ["group", "crowd", "weird"])
def test_the_numbers_on_the_page_are_those_of_the_json(tmp_path: Path, name: str) -> None:
    report = REPORTS[name]()
    page = Page(browse(written(tmp_path, name), "--dump-dom"))
    embedded = json.loads(page.scripts[0])
    assert embedded == document(report)
    shown = {
        attributes["data-path"]: attributes["value"] for tag, attributes in page.elements if tag == "data"
    }
    for path, text in shown.items():
        value = look_up(embedded, path)
        assert text == (value if isinstance(value, str) else json.dumps(value))
    # Every process, every total of the requests, and what people look at first.
    assert {f"processes.{place}.died" for place in range(len(report.processes))} <= shown.keys()
    totals = (embedded["requests"] or {"totals": {}})["totals"]
    assert {
        f"requests.totals.{group}.{one}" for group, found in totals.items() for one in found
    } <= shown.keys()
    words = " ".join("".join(page.words).split())
    assert report.verdict.value in words
    assert seconds(report.timeline.stop.took) in words
    # Our script ran: the words of <title> are its own now.
    assert any("data-tip" in attributes for _, attributes in page.elements)


@pytest.mark.parametrize("name", ["killed-by-engine", "group"])
def test_the_bars_have_the_color_of_the_end(tmp_path: Path, name: str) -> None:
    report = REPORTS[name]()
    places = measured(tmp_path, name, 1280, only=True)
    assert places["width"][0] <= places["width"][1]
    picture = tmp_path / "page.png"
    height = round(places["picture"][1] + places["picture"][3])
    size = f"--window-size=1280,{height}"
    browse(written(tmp_path, name, only=True), f"--screenshot={picture}", size, BY_DAY)
    pixels = Pixels.read(picture)
    assert (pixels.width, pixels.height) == (1280, height)
    assert pixels.at(4, 4) == PAPER
    ends = {str(one.pid): LOOKS[look(one)] for one in report.processes}
    assert len(places["bars"]) == len(ends)
    for pid, kind, (left, top, width, thick) in places["bars"]:
        end = ends[pid]
        assert kind == f"bar {end}"
        # Three lines through the bar; arrows and marks cover a little of it.
        rows = [round(top + thick * share) for share in (0.35, 0.5, 0.65)]
        colors = Counter(
            pixels.at(x, y) for y in rows for x in range(round(left) + 3, round(left + width) - 3)
        )
        share = colors[COLORS[end]] / colors.total()
        if width < 60:  # little more than its marks
            assert share > 0.05
        else:
            assert colors.most_common(1)[0][0] == COLORS[end], (pid, end)
            assert (share < 0.9) if end in PATTERNED else (share > 0.6)


def test_by_night_it_is_dark(tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    browse(written(tmp_path, "group"), f"--screenshot={picture}", "--window-size=1280,600", BY_NIGHT)
    assert Pixels.read(picture).at(4, 4) == NIGHT


@pytest.mark.parametrize("width", [500, 800, 1280, 1920])
def test_nothing_overlaps_or_leaves_the_window(tmp_path: Path, width: int) -> None:
    places = measured(tmp_path, "killed-by-engine", width)
    # The picture scrolls in its frame, the page does not.
    assert places["width"][0] <= places["width"][1]
    left, _, breadth, _ = places["picture"]
    starts = [bar[2][0] for bar in places["bars"]]
    ends = [bar[2][0] + bar[2][2] for bar in places["bars"]]
    assert max(box[0] + box[2] for box in places["labels"]) <= min(starts)
    assert max(ends) <= min(box[0] for box in places["words"])
    assert max(box[0] + box[2] for box in places["words"]) <= left + breadth
    # Lanes of one height, one below the other.
    tops = [bar[2][1] for bar in places["bars"]]
    steps = [after - before for before, after in pairwise(tops)]
    assert max(steps) - min(steps) < 1
    assert min(steps) > 15


def test_hundreds_of_processes_stay_readable(tmp_path: Path) -> None:
    places = measured(tmp_path, "crowd", 1280)
    assert len({bar[0] for bar in places["bars"]}) == 6
    assert places["picture"][3] < 500


def test_it_works_without_scripts(tmp_path: Path) -> None:
    # A browser that runs no script dumps no page either: the page's own policy switches them off.
    path = written(tmp_path, "group")
    path.write_text(re.sub("'sha256-[^']+'", "'none'", path.read_text(encoding="utf-8")), encoding="utf-8")
    page = Page(browse(path, "--dump-dom"))
    assert not any("data-tip" in attributes for _, attributes in page.elements)
    titles = [tag for tag, _ in page.inside if tag == "title"]
    assert len(titles) > 50
    assert "tail ignored SIGTERM" in "".join(page.words)


def test_it_goes_onto_paper(tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"
    browse(written(tmp_path, "group"), f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    data = paper.read_bytes()
    assert data.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", data)) <= 4


@pytest.mark.parametrize(("paper", "rows"), [(False, 38), (True, 5)])
def test_helpers_of_the_start_are_seen_but_not_printed(tmp_path: Path, *, paper: bool, rows: int) -> None:
    path = written(tmp_path, "crash", measure=True)
    text = path.read_text(encoding="utf-8")
    # A browser dumps no paper: what holds there shall hold on the screen.
    text = text.replace("@media print", "@media screen") if paper else text
    count = """<script>
    const rows = [...document.querySelectorAll(".processes tbody tr")].filter((one) => one.offsetHeight);
    document.body.dataset.rows = rows.length;
    document.body.dataset.note = rows.some((one) => one.classList.contains("on-paper"));
    </script></body>"""
    path.write_text(text.replace("</body>", count), encoding="utf-8")
    dom = browse(path, "--dump-dom")
    assert f'data-rows="{rows}"' in dom
    assert f'data-note="{json.dumps(paper)}"' in dom


def test_a_guest_runs_no_script(tmp_path: Path) -> None:
    # Even were its name markup: the policy of the page lets only our script run.
    path = written(tmp_path, "weird")
    path.write_text(
        path.read_text(encoding="utf-8").replace("</h1>", "</h1><script>document.title = 'pwned'</script>"),
        encoding="utf-8",
    )
    dom = browse(path, "--dump-dom")
    assert "<title>pwned" not in dom
    assert "<title>ends well" in dom
