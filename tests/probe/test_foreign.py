"""Programs of another word size: their calls are not recorded, and that is said instead of guessed."""

from __future__ import annotations

import json
import os
import platform
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="both observers are asked"),
    pytest.mark.may_skip,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="made for x86-64"),
]

_BASE, _HEADERS = 0x08048000, 52 + 32
_EXIT, _FORK, _WRITE, _WAITPID, _PAUSE = 1, 2, 4, 7, 29
# What follows an instruction pointer: `test eax, eax`, and the jumps over what only the child does.
_TEST, _ELSE = b"\x85\xc0", b"\x75"


def call(number: int, *arguments: int) -> bytes:
    """Return the instructions for a system call by int 0x80."""
    loads = b"".join(
        bytes((0xBB if at == 0 else 0xB9 if at == 1 else 0xBA,)) + struct.pack("<I", one)
        for at, one in enumerate(arguments)
    )
    return loads + b"\xb8" + struct.pack("<I", number) + b"\xcd\x80"


def child(does: bytes) -> bytes:
    """Fork; the child does something, the parent goes on behind it."""
    return call(_FORK) + _TEST + _ELSE + bytes((len(does),)) + does


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Make a 32-bit program: forks one that stays and one that exits with 7, says `ready`, and waits."""
    pause = call(_PAUSE)
    for_ever = pause + b"\xeb" + struct.pack("b", -len(pause) - 2)
    exits = call(_EXIT, 7)
    begin = child(for_ever) + child(exits) + call(_WAITPID, 0xFFFFFFFF, 0, 0)
    text = b"ready\n"
    length = _HEADERS + len(begin) + len(call(_WRITE, 1, 0, len(text))) + len(for_ever)
    code = begin + call(_WRITE, 1, _BASE + length, len(text)) + for_ever + text
    size = _HEADERS + len(code)
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, _BASE + _HEADERS, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    header += struct.pack("<IIIIIIII", 1, 0, _BASE, _BASE, size, size, 5, 0x1000)
    path = tmp_path / "small"
    path.write_bytes(header + code)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("observer", ["tracefs", "seccomp"])
def test_what_a_32_bit_program_calls_is_said_not_to_be_seen(program: Path, observer: str) -> None:
    probe = (
        sys.executable,
        "-m",
        "endwell",
        "probe",
        "--observer",
        observer,
        "--json",
        "--ready",
        "log:ready",
    )
    done = subprocess.run(
        (*probe, "--grace", "200ms", "--", str(program)),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "Exec format error" in done.stderr:
        pytest.skip("this kernel runs no 32-bit programs")
    report = json.loads(done.stdout)
    assert report["observer"]["lost"] == 0
    assert any("32-bit programs" in sentence for sentence in report["observer"]["blind"])
    first, second = report["processes"][:2]
    assert (first["pid"], second["pid"], second["parent"]) == (1, 2, 1)
    assert second["end"]["by"] == "namespace"
