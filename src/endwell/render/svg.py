"""Elements of SVG as text: every attribute and every text is escaped, numbers are short."""

from __future__ import annotations

from markupsafe import Markup, escape

from endwell.render.clean import clean


def element(name: str, *children: Markup | str, **attributes: str | float | None) -> Markup:
    """Return an element.

    Args:
        name: its name.
        children: elements, or text, which is made harmless.
        attributes: `_` stands for `-`, one at the end goes away (`class_`); None leaves the attribute out.
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{name}{pairs}>{inside}</{name}>" if inside else f"<{name}{pairs}/>")  # noqa: S704  escaped above


def join(*pieces: Markup) -> Markup:
    """Return elements one after another."""
    return Markup("").join(pieces)


def titled(text: str) -> Markup:
    """Return the words a browser shows when the pointer rests on an element; line feeds stay."""
    return element("title", Markup("\n").join(escape(clean(line)) for line in text.split("\n")))


def path(*steps: str | float) -> str:
    """Return the data of a path: `path("M", 1, 2, "H", 3)`."""
    return " ".join(str(_value(step)) for step in steps)


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return clean(value)
    return f"{value:.1f}".removesuffix(".0")
