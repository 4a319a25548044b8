"""A page of which a test makes up what it shows."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from endwell.records import dataclass
from tests.gateway.fake import Gateway, UnixConnection, row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.gateway import Door

    Value = dict[str, Any]

PROJECT: Mapping[str, Any] = {
    "file": "/app/endwell.toml",
    "started": 1000.0,
    "grace": 10.0,
    "identifier": "endwell",
}
STOP: Mapping[str, Any] = {
    "fits": True,
    "grace": 10.0,
    "budget": 9.5,
    "wanted": 4.0,
    "chain": ["web"],
    "steps": [
        {
            "service": "web",
            "replica": 1,
            "label": "web",
            "level": 0,
            "signal": "SIGTERM",
            "group": False,
            "asked": 0.0,
            "told": 1.0,
            "killed": 4.0,
            "over": 4.0,
            "wanted": 4.0,
            "cut": False,
        }
    ],
}
FORM = "application/x-www-form-urlencoded"


def service(name: str, **other: Any) -> Value:  # noqa: ANN401  whatever rows have
    """A whole row of `ps`, running and ready unless it says otherwise."""
    whole: Value = {
        "replica": 1,
        "replicas": 1,
        "autostart": True,
        "ready": True,
        "completed": False,
        "healthy": None,
        "tries": 0,
        "restarts": 0,
        "retry_in": None,
        "why": "",
        "signal": None,
        "user": None,
        "stop_signal": "SIGTERM",
        "stop": None,
    }
    return row(name) | whole | other


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    text: str


class Site(Gateway):
    """A gateway whose supervisor says what pages are made of."""

    def __init__(
        self,
        rows: list[Value],
        door: Door | None = None,
        *,
        stop: Mapping[str, Any] = STOP,
        processes: list[Value] | None = None,
        project: Value | None = None,
        handlers: Mapping[str, Any] | None = None,
    ) -> None:
        answers: Value = {
            "plan": lambda _: {"start": [], "stop": stop},
            "top": lambda _: {"processes": processes or []},
            "logs": lambda _: {},
            "events": lambda _: None,
            **dict.fromkeys(("start", "stop", "restart"), lambda _: {"results": []}),
            **(handlers or {}),
        }
        super().__init__(rows, door, project={**PROJECT, **(project or {})}, handlers=answers)

    def get(self, target: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        """Ask for something; `_` in the name of a header stands for `-`."""
        connection = UnixConnection(self.path)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, names)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, text)

    def post(self, target: str, token: str | None = None, back: str = "list", **headers: str) -> Answer:
        """Send a form, with the token of the page unless it says otherwise."""
        own = token_of(self.get("/", **headers).text) if token is None else token
        body = urlencode({"token": own, "back": back})
        return self.get(target, "POST", body, **{"Content_Type": FORM, **headers})


def token_of(page: str) -> str:
    """Return the token of the forms of a page."""
    match = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert match is not None
    return match[1]


class Elements(HTMLParser):
    """The elements of a page: names and attributes, and all of its text but that of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self._inside = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        """Note its text."""
        if self._inside not in {"script", "style"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All words, one blank between any two."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]
