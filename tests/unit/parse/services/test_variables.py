"""endwell.parse.services.variables: as compose replaces them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.parse.services.variables import escape, expand

KNOWN = {"A": "one", "EMPTY": "", "_x1": "two", "LOOP": "${LOOP} $A"}


@pytest.mark.parametrize(
    ("text", "result", "missing"),
    [
        ("", "", 0),
        ("no variables } {", "no variables } {", 0),
        ("$A${A}$A-", "oneoneone-", 0),
        ("$_x1", "two", 0),
        ("$Ab", "", 1),
        ("$$A $$$A $$$$", "$A $one $$", 0),
        ("${A:-other}${A-other}", "oneone", 0),
        ("${B:-other}${B-other}${B:-}", "otherother", 0),
        ("[${EMPTY:-other}${EMPTY-other}]", "[other]", 0),
        ("${A:+x}${A+x}${EMPTY+x}", "xxx", 0),
        ("[${EMPTY:+x}${B:+x}${B+x}]", "[]", 0),
        ("${B:-${C:-deep}} ${B:-$A}", "deep one", 0),
        ("${A:-${NOT_ASKED}}", "one", 0),
        ("${B:-${ASKED}}", "", 1),
        ("${A:?why}${EMPTY?why}", "one", 0),
        ("${A:+${B}}", "", 1),
        ("${B:+${C}}", "", 0),
        ("${A:-${B:?not asked}}", "one", 0),
        ("$LOOP", "${LOOP} $A", 0),
        ("${B:-a:b-c?d$$}", "a:b-c?d$", 0),
    ],
)
def test_replaces(text: str, result: str, missing: int) -> None:
    said: list[str] = []
    assert expand(text, KNOWN, said.append) == result
    assert len(said) == missing


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("costs 5$", "has a dollar sign that begins no variable: write $$ for one dollar sign"),
        ("$1", "has a dollar sign that begins no variable"),
        ("${", "has a ${ that begins no variable"),
        ("${A", "has a ${ that begins no variable"),
        ("${1}", "has a ${ that begins no variable"),
        ("${A b}", "has a ${ that begins no variable"),
        ("${A:b}", "has a ${ that begins no variable"),
        ("${A:-b", "has a ${ without its }: close it"),
        ("${B:?}", "needs the variable B: set it in the environment of endwell"),
        ("${EMPTY:?say ${A}}", "needs the variable EMPTY: say one"),
        ("${B?why}", "needs the variable B: why"),
    ],
)
def test_refuses(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^\w") as error:
        expand(text, KNOWN, lambda _: None)
    assert str(error.value).startswith(why)


@given(st.text("a${}:-?+A"))
def test_what_is_escaped_is_read_as_it_was(text: str) -> None:
    assert expand(escape(text), {}, pytest.fail) == text
