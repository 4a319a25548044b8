"""What whoever asks for a report may choose."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_PAGES: Mapping[str, tuple[str, str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Choices about a rendering; each format looks at those that concern it.

    Args:
        width: columns of the terminal (text); fewer than 40 count as 40.
        ascii: whether only ASCII may be used, because the stream can encode nothing else (text).
        color: whether to decorate with colors (text); nothing is said by color alone.
        series: sentences about the other runs, when there were several: whether they agree (text, html).
        pages: what is known of the rules, by code: their name, one sentence, and their page (junit, sarif).
        source: the file the findings are about, relative to the root of the project; empty for none (sarif).
    """

    width: int = 80
    ascii: bool = False
    color: bool = False
    series: tuple[str, ...] = ()
    pages: Mapping[str, tuple[str, str, str]] = field(default_factory=lambda: _NO_PAGES)
    source: str = ""
