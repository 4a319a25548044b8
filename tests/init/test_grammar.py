"""The model and the init read the same times and signals, as the same, and refuse the same."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Final, TypeVar

from hypothesis import assume, example, given, settings, strategies as st

from endwell.model.durations import parse_duration
from endwell.model.signals import ALIASES, NUMBERS, Signal
from tests.init.builds import shipped
from tests.init.support import Init, shell

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
EXAMPLES: Final = 150
"""A run takes a millisecond."""
MISREAD: Final = 125


def report(*options: str) -> dict[str, object] | None:
    """The report of an init with these options, or None if it refused them."""
    done = subprocess.run(
        [shipped(), *options, "--report", "-", "--", "true"], capture_output=True, check=False
    )
    if done.returncode == MISREAD:
        return None
    assert done.returncode == 0, done
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def model(parse: Callable[[str], T], text: str) -> T | None:
    """What the model reads, or None."""
    try:
        return parse(text)
    except ValueError:
        return None


FIGURES = st.one_of(
    st.from_regex(r"[0-9]{1,10}", fullmatch=True),
    st.from_regex(r"[0-9]{0,4}\.[0-9]{0,12}", fullmatch=True),
    st.sampled_from(("", ".", "0", "00", "366", "8784", "31622400", "31622401", "9223372036854775807")),
)
UNITS = st.sampled_from(("", "ns", "us", "\u00b5s", "\u03bcs", "ms", "s", "m", "h", "d", "S", "ss", " s"))
TERMS = st.builds("{}{}".format, FIGURES, UNITS)
TIMES = st.one_of(
    TERMS,
    st.lists(TERMS, max_size=4).map("".join),
    st.text(alphabet="0123456789.smhnu\u00b5+- e", max_size=12),
    st.builds("{}{}".format, st.sampled_from(("-", "+", " ")), TERMS),
)


@settings(max_examples=EXAMPLES)
@given(text=TIMES)
@example(text="0.123456789h")
@example(text="1.999999999m")
@example(text="0.9999999999999h")
@example(text="8784h")
@example(text="8784h1ns")
@example(text="1\u03bcs")
@example(text="1h1m1s1ms1us1ns")
@example(text="1" + "0" * 200 + "s")
@example(text="0" * 200 + "1s")
@example(text="0" * 98 + "1s")
def test_times(text: str) -> None:
    found = report(f"--grace={text}")
    seconds = model(parse_duration, text)
    assert (found is None) == (seconds is None)
    if found is not None and seconds is not None:
        grace = found["grace"]
        assert isinstance(grace, dict)
        # The init reads nine decimals of a number, and its report says milliseconds, rounded down.
        assert -1e-9 <= seconds - grace["given"] <= 0.001004


NAMES = st.sampled_from([*NUMBERS, *ALIASES, "INFO", "LOST", "EMT", "RTMIN", "RTMAX", "NULL", "EXIT"])
OFFSETS = st.one_of(st.just(""), st.from_regex(r"[+-][0-9]{0,3}", fullmatch=True))
CASES = st.sampled_from((str, str.lower, str.title, str.swapcase))
SIGNALS = st.one_of(
    st.integers(-3, 70).map(str),
    st.from_regex(r"0{0,3}[0-9]{1,3}", fullmatch=True),
    st.builds(
        lambda prefix, name, offset, case: case(prefix + name + offset),
        st.sampled_from(("", "SIG", "SIGSIG", " ", "SIG ")),
        NAMES,
        OFFSETS,
        CASES,
    ),
    st.text(alphabet="SIGRTMNAX+-0123456789 \u0131\u017f", max_size=9),
)


@settings(max_examples=EXAMPLES)
@given(text=SIGNALS)
@example(text="UNUSED")
@example(text="RTMIN-2")
@example(text="SIGRTMIN-1")
@example(text="RTMAX-32")
@example(text="RTMIN+030")
@example(text="00015")
@example(text="\u0131nt")  # a dotless i becomes I in capitals, and this is no signal
def test_signals(text: str) -> None:
    assume(text != "0")  # drops it, and is no signal
    assert rewritten(text) == model(lambda word: Signal.parse(word).name, text)


def rewritten(text: str) -> str | None:
    """The signal that the init says it has read, by name; None if it refused."""
    words = ("-v", f"--rewrite=USR1:{text}", "--", *shell("kill -USR1 $PPID; read _"))
    with Init(*words) as init:
        init.complains("\n")
        if init.err.startswith(b"endwell-init: --rewrite"):
            assert init.end().status == MISREAD
            return None
        init.complains("SIGUSR1 becomes ")
        return init.err.decode().partition("becomes ")[2].partition("\n")[0]
