"""The expansion of `%(name)s`: Python's own % operator over a dictionary, with errors that help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A conversion without a name; `%%` stands for one percent sign.
_BARE = re.compile(r"%%|%\([^)]*\)|(%[^%(]?)")
_SHOWN = ("here", "host_node_name", "program_name", "group_name", "process_num", "numprocs")


def expand(text: str, names: Mapping[str, str | int]) -> str:
    """Replace each %(name)s of a text; `%%` becomes `%`.

    Args:
        text: as written.
        names: what they stand for.

    Raises:
        ValueError: a name is not known, or a percent sign stands for nothing; the message says what to do.
    """
    try:
        # The operator is what supervisord uses: formats such as %(process_num)02d are its own.
        return text % dict(names)
    except KeyError as error:
        raise ValueError(_unknown(str(error.args[0]), names)) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"has a percent sign that begins no %(name)s ({error}): write %% for one percent sign"
        ) from None


def bare(text: str) -> str | None:
    """Return the first conversion without a name, which is replaced by all names and values at once.

    Args:
        text: as written; it has to be one that `expand` takes.
    """
    return next((match[1] for match in _BARE.finditer(text) if match[1]), None)


def _unknown(name: str, names: Mapping[str, str | int]) -> str:
    if name.startswith("ENV_"):
        variable = name.removeprefix("ENV_")
        known = [one.removeprefix("ENV_") for one in names if one.startswith("ENV_")]
        import difflib  # noqa: PLC0415  only for words that are wrong

        near = difflib.get_close_matches(variable, known, n=1)
        meant = f"did you mean %(ENV_{near[0]})s?" if near else f"give the container the variable {variable}"
        return f"needs the environment variable {variable}, which is not set: {meant}"
    known = [one for one in _SHOWN if one in names]
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean %({near[0]})s?" if near else f"use one of {', '.join(known)} or ENV_NAME"
    return f"has %({name})s, which means nothing here: {meant}"
