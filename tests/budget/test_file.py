"""The file itself: small, static, and nothing in memory that is both written and executed."""

from __future__ import annotations

import platform
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.budget.elf import (
    EXECUTE,
    PT_DYNAMIC,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    SHT_DYNAMIC,
    SHT_SYMTAB,
    WRITE,
    Program,
)
from tests.init.builds import shipped

if TYPE_CHECKING:
    from pathlib import Path

KILOBYTE = 1024


@pytest.fixture(scope="module")
def program() -> Program:
    return Program.read(shipped())


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the budget is x86_64's")
@pytest.mark.skipif(shutil.which("strip") is None, reason="needs strip, of binutils")
def test_at_most_40_kilobytes_stripped(tmp_path: Path) -> None:
    stripped = tmp_path / "stripped"
    subprocess.run(["strip", "-s", "-o", stripped, shipped()], check=True)
    assert stripped.stat().st_size <= 40 * KILOBYTE


def test_shipped_stripped(program: Program) -> None:
    assert SHT_SYMTAB not in program.sections


def test_static(program: Program) -> None:
    assert not {segment.kind for segment in program.segments} & {PT_INTERP, PT_DYNAMIC}
    assert SHT_DYNAMIC not in program.sections


def test_stack_is_not_executable(program: Program) -> None:
    stacks = [segment for segment in program.segments if segment.kind == PT_GNU_STACK]
    assert stacks, "without this header the kernel makes the stack executable"
    assert not any(segment.flags & EXECUTE for segment in stacks)


def test_nothing_is_both_writable_and_executable(program: Program) -> None:
    loaded = [segment for segment in program.segments if segment.kind == PT_LOAD]
    assert loaded
    assert not any(segment.flags & WRITE and segment.flags & EXECUTE for segment in loaded)
