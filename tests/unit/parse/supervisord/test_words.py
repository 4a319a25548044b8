"""endwell.parse.supervisord.programs: a command is split as shlex does it, by the shorter way too."""

from __future__ import annotations

import shlex

from hypothesis import given, strategies as st

from endwell.parse.supervisord.programs import PLAIN

SIGNS = "ab0_ ./:=,%+@-~^&|;#$*?()[]{}<>!'\"\\\t\v\f\r\x1c\u00a0\u2003\u00e9"


@given(st.text(st.sampled_from(SIGNS), max_size=12))
def test_the_shorter_way_is_the_same(command: str) -> None:
    if PLAIN.fullmatch(command):
        assert command.split() == shlex.split(command)
