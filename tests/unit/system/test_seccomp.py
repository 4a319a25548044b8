"""The filter, run by a small interpreter of its instructions."""

from __future__ import annotations

import struct

import pytest

from endwell.system import seccomp

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, NOTIFY, NO_SUCH_CALL = 0x7FFF0000, 0x7FC00000, 0x00050000 | 38


def run(program: bytes, number: int, architecture: int) -> int:
    """Do what the kernel does with the four instructions a filter of ours has."""
    data = {0: number, 4: architecture}
    place = accumulator = 0
    lines = list(struct.iter_unpack("HBBI", program))
    while True:
        code, yes, no, value = lines[place]
        place += 1
        if code == 0x20:
            accumulator = data[value]
        elif code == 0x15:
            place += yes if accumulator == value else no
        elif code == 0x45:
            place += yes if accumulator & value else no
        else:
            assert code == 0x06
            return int(value)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_only_the_calls_of_the_table_are_held(machine: str) -> None:
    program = seccomp.program(machine)
    held = {number for number in range(1000) if run(program, number, ARCHITECTURES[machine]) == NOTIFY}
    assert held == set(seccomp.numbers_of(machine))
    assert len(held) == len(seccomp.CALLS)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_other_abis_pass(machine: str) -> None:
    program = seccomp.program(machine)
    for number in seccomp.numbers_of(machine):
        assert run(program, number, 0x40000003) == ALLOW  # 32 bits
        assert run(program, number | 0x40000000, ARCHITECTURES[machine]) == ALLOW  # x32


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_other_abis_have_no_calls_where_nothing_else_confines_them(machine: str) -> None:
    program, own = seccomp.program(machine, confined=True), ARCHITECTURES[machine]
    for number in range(1000):
        assert run(program, number, own) == run(seccomp.program(machine), number, own)
        assert run(program, number, 0x40000003) == NO_SUCH_CALL
        assert run(program, number | 0x40000000, own) == NO_SUCH_CALL
    assert run(program, 0xFFFFFFFF, own) == NO_SUCH_CALL  # as in the kernel


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(seccomp.UnknownMachineError, match="riscv64"):
        seccomp.program("riscv64")
