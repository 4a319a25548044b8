"""The templates, and what a browser is told about what they make: to load nothing, to run our script only."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from endwell import __version__
from endwell.gateway.message import Answered
from endwell.gateway.page.view import duration
from endwell.render.ages import span, stamp
from endwell.render.clean import clean, fit
from endwell.render.words import seconds

_PACKAGE, _FOLDER = "endwell.gateway.page", "templates"
_HEADERS = (
    ("Content-Type", "text/html;charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # With no-referrer a browser would hide the origin of our own forms, too.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def page(name: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Answered:  # noqa: ANN401  a template's
    """Return a page.

    Args:
        name: of its template.
        status: of HTTP.
        values: what the template shows.
    """
    style, script = _part("style.css"), _part("script.js")
    text = _environment().get_template(name).render(version=__version__, style=style, script=script, **values)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_digest(style)}'",
            f"script-src 'sha256-{_digest(script)}'",
            "connect-src 'self'",
            "img-src data:",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
    return Answered(
        status=status,
        headers=(*_HEADERS, ("Content-Security-Policy", policy)),
        body=text.encode(errors="replace"),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        brief=lambda text, room: fit(clean(text), room),
        clean=clean,
        duration=duration,
        megabytes=lambda size: f"{size / 2**20:.1f} MiB",
        seconds=seconds,
        span=span,
        stamp=lambda at: f"{stamp(at)[:19].replace('T', ' ')} UTC",
    )
    return environment


@cache
def _part(name: str) -> Markup:
    """Return a file of the page as it is: ours, and free of the tag that would end its element."""
    return Markup(resources.files(_PACKAGE).joinpath(_FOLDER, name).read_text(encoding="utf-8"))  # noqa: S704


@cache
def _digest(part: str) -> str:
    return base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
