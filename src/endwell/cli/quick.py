"""The words of a command that stays, read without argparse, which would stay as well.

argparse brings `gettext` and `locale` along, and takes as long to be imported and told its options as a dozen
services take to be started. So a command's own description of its options (`configure`) is heard here first:
words that are options written in full, and one word beside them, are read at once, and everything else,
mistakes and --help included, is left to argparse, which hears the same description.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TRUTH = {"store_true": True, "store_false": False}
_KNOWN = {"action", "default", "dest", "help", "metavar"}
_OF_A_WORD = {"help", "metavar"}


class _NotPlainError(Exception):
    """An argument that argparse has to read."""


class _Listener:
    """Takes the place of a parser while the options are described."""

    def __init__(self) -> None:
        self.description = self.epilog = self.usage = ""
        self.values: dict[str, Any] = {}
        self.takes: dict[str, str] = {}  # by option, the name of the value that follows it
        self.sets: dict[str, tuple[str, bool]] = {}
        self.word = ""  # the name of the one word that is no option

    def add_argument(self, *names: str, **how: Any) -> None:  # noqa: ANN401  what argparse takes
        """As argparse's, for options with a text, for switches, and for one word that may be left out."""
        action = how.get("action")
        if not names[0].startswith("-") and how.pop("nargs", None) == "?" and how.keys() <= _OF_A_WORD:
            if self.word:
                raise _NotPlainError(names[0])
            self.word = names[0]
            self.values.setdefault(self.word, None)
            return
        if not how.keys() <= _KNOWN or not names[0].startswith("-") or action not in {None, *_TRUTH}:
            raise _NotPlainError(names[0])
        long = next((name for name in names if name.startswith("--")), names[0])
        name = how.get("dest") or long.lstrip("-").replace("-", "_")
        default = None if action is None else not _TRUTH[action]
        self.values.setdefault(name, how.get("default", default))
        for option in names:
            if action is None:
                self.takes[option] = name
            else:
                self.sets[option] = name, _TRUTH[action]


def read_quickly(configure: Callable[[Any], None], words: Sequence[str]) -> SimpleNamespace | None:
    """Return what the words say; None where argparse has to read them.

    Args:
        configure: describes the options, to a parser.
        words: after the command.
    """
    listener = _Listener()
    try:
        configure(listener)
    except (AttributeError, _NotPlainError):
        return None
    left = iter(words)
    for word in left:
        option, sign, value = word.partition("=")
        if word in listener.sets:
            name, truth = listener.sets[word]
            listener.values[name] = truth
        elif option.startswith("--") and sign and option in listener.takes:
            listener.values[listener.takes[option]] = value
        elif word in listener.takes:
            following = next(left, "-")
            if following.startswith("-"):
                return None
            listener.values[listener.takes[word]] = following
        elif listener.word and listener.values[listener.word] is None and not word.startswith("-"):
            listener.values[listener.word] = word
        else:
            return None
    return SimpleNamespace(**listener.values)
