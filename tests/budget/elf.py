"""The few fields of an ELF file that budgets are about: elf(5)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from endwell.records import dataclass

if TYPE_CHECKING:
    from pathlib import Path

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_GNU_STACK: Final = 0x6474E551
EXECUTE: Final = 1
WRITE: Final = 2
SHT_SYMTAB: Final = 2
SHT_DYNAMIC: Final = 6


@dataclass(frozen=True)
class Segment:
    """One program header: what it is, and whether it may be written or executed."""

    kind: int
    flags: int


@dataclass(frozen=True)
class Program:
    """A 64-bit little-endian ELF file: its machine, its segments, and the kinds of its sections."""

    machine: int
    segments: tuple[Segment, ...]
    sections: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Program:
        """Parse the headers of `path`; ValueError when it is no such file."""
        data = path.read_bytes()
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit little-endian ELF file")
        machine = struct.unpack_from("<H", data, 18)[0]
        segments_at, sections_at = struct.unpack_from("<QQ", data, 32)
        segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
        return cls(
            machine,
            tuple(
                Segment(*struct.unpack_from("<II", data, segments_at + index * segment_size))
                for index in range(segment_count)
            ),
            tuple(
                struct.unpack_from("<I", data, sections_at + index * section_size + 4)[0]
                for index in range(section_count)
            ),
        )
