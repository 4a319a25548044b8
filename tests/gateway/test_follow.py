"""A log that is followed: what there is, what is added, and what becomes of the file in the meantime."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path

import pytest

from endwell.gateway.follow import TRUNCATED, follow, followed
from tests.gateway.fake import PATIENCE

Pieces = AsyncGenerator[bytes, None]


def held() -> list[str]:
    return sorted(one.name for one in Path("/proc/self/fd").iterdir())


def following(test: Callable[[Pieces], Coroutine[None, None, None]], path: Path, head: int = 4) -> None:
    async def run() -> None:
        pieces = follow(str(path), head)
        try:
            await asyncio.wait_for(test(pieces), PATIENCE)
        finally:
            await pieces.aclose()

    before = held()
    asyncio.run(run())
    assert held() == before, "a file was left open"


@pytest.mark.parametrize(
    ("text", "head", "shown"), [("abc", 4, b"abc"), ("abcd", 4, b"abcd"), ("abcde", 4, b"bcde")]
)
def test_the_end_of_what_is_there_comes_first(tmp_path: Path, text: str, head: int, shown: bytes) -> None:
    (tmp_path / "log").write_text(text)

    async def test(pieces: Pieces) -> None:
        assert await anext(pieces) == shown

    following(test, tmp_path / "log", head)


def test_what_is_added_comes_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"")

    async def test(pieces: Pieces) -> None:
        with log.open("ab", buffering=0) as file:
            for text in (b"one", b"\xff\n", b"two"):
                file.write(text)
                assert await anext(pieces) == text

    following(test, log)


def test_much_comes_in_pieces_and_nothing_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = os.urandom(3 << 20)
    log.write_bytes(text)

    async def test(pieces: Pieces) -> None:
        found = b""
        while len(found) < len(text):
            piece = await anext(pieces)
            assert len(piece) <= 65536
            found += piece
        assert found == text

    following(test, log, len(text))


def test_a_file_put_aside_is_read_to_its_end_before_the_next(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"")

    async def test(pieces: Pieces) -> None:
        with log.open("ab", buffering=0) as file:
            file.write(b"first")
            assert await anext(pieces) == b"first"
            log.rename(tmp_path / "log.1")
            # Whoever has it open still writes to it.
            file.write(b"last")
            log.write_bytes(b"new")
        assert await anext(pieces) == b"last"
        assert await anext(pieces) == b"new"

    following(test, log, 100)


def test_a_file_that_is_removed_may_come_back(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one")

    async def test(pieces: Pieces) -> None:
        assert await anext(pieces) == b"one"
        log.unlink()
        coming = asyncio.ensure_future(anext(pieces))
        done, _ = await asyncio.wait((coming,), timeout=0.3)
        assert not done
        log.write_bytes(b"two")
        assert await coming == b"two"

    following(test, log)


def test_a_file_that_is_emptied_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"long")

    async def test(pieces: Pieces) -> None:
        assert await anext(pieces) == b"long"
        os.truncate(log, 0)
        assert await anext(pieces) == TRUNCATED
        log.write_bytes(b"x")
        assert await anext(pieces) == b"x"

    following(test, log)


def test_one_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def test(pieces: Pieces) -> None:
        coming = asyncio.ensure_future(anext(pieces))
        done, _ = await asyncio.wait((coming,), timeout=0.3)
        assert not done
        log.write_bytes(b"here")
        assert await coming == b"here"

    following(test, log)


def test_what_cannot_be_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "log").write_bytes(b"")
    assert followed(str(tmp_path / "log")) == (tmp_path / "log").stat().st_mtime
    for name in ("fifo", "none", "."):
        assert followed(str(tmp_path / name)) is None
