"""What is said of the name of a service that is none, and which names are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


_LONGEST = 128


def names_nobody(name: str, known: Collection[str]) -> str:
    """Return the end of a sentence about a name that no service has."""
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"which is no service: did you mean {near[0]}?"
    return f"which is no service: there are {', '.join(sorted(known)) or 'none'}"


def check_name(name: str) -> None:
    """Raise ValueError for what cannot be the name of a service: it goes into file names, URLs and lines."""
    if (
        not name.strip(".")
        or name.startswith("-")
        or len(name) > _LONGEST
        or any(one == "/" or one.isspace() or not one.isprintable() for one in name)
    ):
        raise ValueError(f"is not the name of a service: use letters, digits, - and _, {_LONGEST} at most")
