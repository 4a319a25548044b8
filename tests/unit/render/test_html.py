"""endwell.render.html: the page is well formed, whole, and does not let the guest in."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from endwell.model.report import Report  # noqa: TC001  hypothesis reads it
from endwell.render import Options, render
from endwell.render.document import document
from tests.render.reports import REPORTS
from tests.unit.render.strategies import reports

VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})
ADDRESSES = frozenset({"src", "href", "xlink:href", "data", "action", "poster", "srcset"})
# Absolute steps of a path, and the axes their numbers are on.
STEPS = re.compile(r"([A-Za-z])([^A-Za-z]*)")
AXES = {"M": "xy", "L": "xy", "H": "x", "V": "y"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"twice in <{tag}>: {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if "svg" in self.open and "defs" not in self.open:
            self.inside.append(self.elements[-1])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)


def look_up(values: object, path: str) -> object:
    """Return the value of the JSON at a path such as `processes.0.pid`."""
    for step in path.split("."):
        values = values[int(step) if isinstance(values, list) else step]  # type: ignore[index]
    return values


@given(reports())
def test_any_report_makes_a_page_without_holes(report: Report) -> None:
    page = Page(render("html", report))
    assert not [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name.startswith("on")
    ]
    for tag, attributes in page.elements:
        for name in ADDRESSES & attributes.keys():
            assert attributes[name].startswith("#"), f"<{tag} {name}> leads out of the page"
    assert json.loads(page.scripts[0]) == document(report)
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    spoken = {
        attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes
    }
    assert spoken <= set(names)
    assert sum(tag == "script" for tag, _ in page.elements) == 2


@given(reports())
def test_every_number_on_the_page_is_that_of_the_document(report: Report) -> None:
    values = document(report)
    shown = [attributes for tag, attributes in Page(render("html", report)).elements if tag == "data"]
    for attributes in shown:
        value = look_up(values, attributes["data-path"])
        if isinstance(value, (bool, type(None))):
            assert attributes["value"] == json.dumps(value)
        elif isinstance(value, (int, float)):
            assert float(attributes["value"]) == value
    assert {"stop.took", "stop.exit", "ending", "observer.lost"} <= {one["data-path"] for one in shown}


@given(reports())
def test_nothing_is_drawn_outside_of_the_picture(report: Report) -> None:
    page = Page(render("html", report))
    pictures = [attributes for tag, attributes in page.elements if attributes.get("class") == "picture"]
    if not report.processes:
        assert not pictures
        return
    _, _, width, height = map(float, pictures[0]["viewbox"].split())
    for tag, attributes in page.inside:
        if "viewbox" in attributes:
            break  # the legend: pictures of its own
        box = {
            name: float(attributes[name])
            for name in ("x", "y", "width", "height", "cx", "cy", "r")
            if name in attributes
        }
        assert all(value >= 0 for value in box.values()), (tag, attributes)
        assert box.get("x", 0) + box.get("width", 0) <= width + 0.2, (tag, attributes)
        assert box.get("y", 0) + box.get("height", 0) <= height + 0.2, (tag, attributes)
        assert box.get("cx", 0) <= width
        assert box.get("cy", 0) <= height
        for step, numbers in STEPS.findall(attributes.get("d", "")):
            for axis, number in zip(AXES.get(step, ""), numbers.split(), strict=False):
                assert 0 <= float(number) <= (width if axis == "x" else height), attributes["d"]


def test_the_guest_cannot_speak_markup() -> None:
    text = render("html", REPORTS["weird"]())
    page = Page(text)
    assert "alert(1)" in "".join(page.words)
    assert not any("alert(1)" in script for script in page.scripts[1:])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert {tag for tag, _ in page.elements} & {"b", "i"} <= {"i"}  # <i> is ours: a dot of color


@pytest.mark.parametrize("name", REPORTS)
def test_the_picture_says_it_in_words_too(name: str) -> None:
    report = REPORTS[name]()
    page = Page(render("html", report))
    lanes = [attributes for _, attributes in page.elements if attributes.get("class") == "lane"]
    assert all(lane["role"] == "img" and lane["aria-label"] for lane in lanes)
    assert sorted(pid for lane in lanes for pid in lane["data-pids"].split()) == sorted(
        str(one.pid) for one in report.processes
    )
    assert sum(tag == "tr" and "data-pid" in attributes for tag, attributes in page.elements) == len(
        report.processes
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("well", "PID 1 left by itself"),
        ("never-told", "killed by the engine"),
        ("crash", "PID 1 died of SIGSEGV"),
        ("lossy", "killed as asked"),
    ],
)
def test_the_tile_says_how_pid_1_ended(name: str, words: str) -> None:
    assert words in Page(render("html", REPORTS[name]())).words


def test_the_other_runs_are_spoken_of_at_the_top() -> None:
    said = ("the runs disagree: 2 x ends well (no findings); 1 x ends badly (EW402)",)
    assert said[0] in Page(render("html", REPORTS["group"](), Options(series=said))).words


def test_who_was_not_collected_is_told_from_who_need_not_be() -> None:
    words = Page(render("html", REPORTS["crash"]())).words
    assert words.count("never") == 1  # the zombie; PID 1 is for nobody inside


def test_a_bus_is_one_line_with_a_head_at_each() -> None:
    page = Page(render("html", REPORTS["group"]()))
    kinds = [attributes.get("class", "").split() for _, attributes in page.elements]
    wires = [kind for kind in kinds if kind[:1] == ["wire"]]
    heads = [kind for kind in kinds if kind[:1] == ["head"]]
    assert [kind[1] for kind in wires] == ["heard", "mixed", "heard", "deadly", "deadly"]
    assert wires[-1][2] == "teardown"
    assert len(heads) == 1 + 5 + 1 + 1 + 1


def test_the_command_is_quoted_and_processes_are_named_in_place() -> None:
    text = render("html", REPORTS["never-told"]())
    page = Page(text)
    assert "sh -c './app --port 8080; echo done'" in page.words
    chips = [values["data-pid"] for tag, values in page.elements if values.get("class") == "pid"]
    assert chips[:3] == ["1", "7", "9"]
    assert "app (<a" in text
    assert 'title="processes: killed"' in text
