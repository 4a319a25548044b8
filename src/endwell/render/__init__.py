"""A report in the shapes people and machines read.

Every format is a module of its own with one function `render(report, options) -> str`: it has no effects, and
is imported when it is asked for, so that a report in the terminal does not pay for the page in the browser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from endwell.render.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from endwell.model.report import Report

    Renderer: TypeAlias = Callable[[Report, Options], str]

__all__ = ["FORMATS", "Options", "render", "renderer"]

# What a format is called, and the module that makes it.
FORMATS = {
    "text": "text",
    "json": "document",
    "html": "html",
    "junit": "junit",
    "sarif": "sarif",
    "chrome": "chrome",
}


def renderer(name: str) -> Renderer:
    """Return the function that makes the format called `name`.

    Raises:
        ValueError: there is no such format; the message lists them.
    """
    if name not in FORMATS:
        raise ValueError(f"{name!r} is not a format: use one of {', '.join(FORMATS)}")
    return cast("Renderer", import_module(f"{__name__}.{FORMATS[name]}").render)


def render(name: str, report: Report, options: Options | None = None) -> str:
    """Return the report in the format called `name`; ValueError if there is none."""
    return renderer(name)(report, options or Options())
