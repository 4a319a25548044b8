"""Headers of guests: what is read, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.zoo.header import read_header

if TYPE_CHECKING:
    from pathlib import Path


def test_fields_stand_in_the_leading_comment_only(tmp_path: Path) -> None:
    script = tmp_path / "one.sh"
    script.write_text("#!/bin/sh\n# guest: a\n# A remark.\n# expect: x: y\n# expect: z\necho\n# grace: 3\n")
    assert read_header(script) == {"guest": ["a"], "expect": ["x: y", "z"]}


@pytest.mark.parametrize("text", ["/* guest: a */\n", "/* guest: a\n */\n", "/*\n * guest: a */\nint x;\n"])
def test_comments_of_c_in_every_form(tmp_path: Path, text: str) -> None:
    source = tmp_path / "one.c"
    source.write_text(f"{text}/* grace: 3 */\n" if text.endswith("a */\n") else text)
    assert read_header(source)["guest"] == ["a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# guest: a\n# expct: b\n", r"one\.sh:2: there is no key 'expct'; did you mean 'expect'\?"),
        ("# guest: a\n# grace: 1\n# grace: 2\n", r"one\.sh:3: 'grace' comes a second time"),
        ("# nothing\n", "no line 'guest: "),
        ("# guest: a\n# caller: b\n", "or both"),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    script = tmp_path / "one.sh"
    script.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_header(script)
