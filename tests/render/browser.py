"""A browser without a window: what it makes of a page, as a tree, as pixels, as paper."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
import zlib
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def found() -> str | None:
    """Return the path of a browser, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def browse(page: Path, *options: str) -> str:
    """Let the browser do with a page what `options` say, and return what it prints."""
    with tempfile.TemporaryDirectory(prefix="endwell-browser-", ignore_cleanup_errors=True) as profile:
        command = [found() or NAMES[0], *OPTIONS, f"--user-data-dir={profile}", *options, page.as_uri()]
        done = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture: rows of bytes, three for each pixel."""

    width: int
    height: int
    rows: tuple[bytes, ...]

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        """Return the color of a pixel."""
        red, green, blue = self.rows[y][3 * x : 3 * x + 3]
        return red, green, blue

    @classmethod
    def read(cls, path: Path) -> Pixels:
        """Read a PNG of eight bits without a palette and without interlace, as browsers write them."""
        chunks = dict[bytes, bytes]()
        for name, data in _chunks(path.read_bytes()):
            chunks[name] = chunks.get(name, b"") + data
        width, height, depth, kind, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        assert (depth, interlace) == (8, 0)
        size = {2: 3, 6: 4}[kind]
        raw = zlib.decompress(chunks[b"IDAT"])
        step = width * size
        rows: list[bytes] = []
        above = bytes(step)
        for start in range(0, height * (step + 1), step + 1):
            above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + step]), above, size)
            rows.append(above if size == 3 else bytes(b for i, b in enumerate(above) if i % 4 != 3))
        return cls(width, height, tuple(rows))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert data.startswith(SIGNATURE)
    place = len(SIGNATURE)
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        place += size + 12


def _unfiltered(kind: int, row: bytearray, above: bytes, size: int) -> bytes:
    """Undo the filter of a row, as the PNG specification says in chapter 9."""
    if kind == 1:
        for i in range(size, len(row)):
            row[i] = (row[i] + row[i - size]) & 0xFF
    elif kind == 2:
        return bytes((one + other) & 0xFF for one, other in zip(row, above, strict=True))
    elif kind:
        for i, up in enumerate(above):
            left, corner = (row[i - size], above[i - size]) if i >= size else (0, 0)
            guess = (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
            row[i] = (row[i] + guess) & 0xFF
    return bytes(row)


def _paeth(left: int, above: int, corner: int) -> int:
    to_left, to_above, to_corner = abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner
