"""The load as a process of its own: JSON lines in on standard input, JSON lines out on standard output.

A process of its own because the observer's reading thread would hold the interpreter's lock when a request is
due, and because it may have to enter the container's network. In: the options, then any of
`{"prepare": true}`, `{"stop": T}`, `{"ended": T}`, with T in seconds of the monotonic clock. Out:
`{"ready": true}`, `{"prepared": true}`, and after the end all requests; or `{"error": "..."}`. The end of the
input means that whoever wanted to know has gone: it leaves at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
from typing import TYPE_CHECKING

from endwell.probe.load.generator import Generator
from endwell.probe.load.options import LoadError, LoadOptions
from endwell.probe.network import enter, first_address

if TYPE_CHECKING:
    from endwell.probe.load.options import Target

_AT_ONCE = 65_536


def main() -> int:
    """Run one load; returns the exit status."""
    try:
        text, rest = _first_line()
        options = LoadOptions.from_json(text)
        _enter(options)
        _allow_descriptors()
        # Nothing here makes cycles worth collecting; a pause in the middle of the stop would be.
        gc.disable()
        asyncio.run(_serve(options, _resolve(options.target), rest))
    except LoadError as error:
        _tell({"error": str(error)})
        return 1
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return 1
    return 0


def _first_line() -> tuple[bytes, bytes]:
    text = b""
    while b"\n" not in text:
        piece = os.read(0, _AT_ONCE)
        if not piece:
            raise EOFError
        text += piece
    line, _, rest = text.partition(b"\n")
    return line, rest


def _enter(options: LoadOptions) -> None:
    if not options.network:
        return
    try:
        enter(options.network)
    except PermissionError as error:
        raise LoadError(
            f"cannot enter the container's network to load {options.target}: {error.strerror}; "
            "run as root, or publish the port and give its address on this machine"
        ) from error
    except OSError as error:
        raise LoadError(
            f"cannot enter the container's network to load {options.target}: {error.strerror}; "
            "has the container ended?"
        ) from error


def _allow_descriptors() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _resolve(target: Target) -> str:
    try:
        return first_address(target.host, target.port)
    except OSError as error:
        raise LoadError(
            f"cannot load {target}: the name {target.host} has no address: {error.strerror}; give a number"
        ) from error


async def _serve(options: LoadOptions, address: str, rest: bytes) -> None:
    generator = Generator(options, address)
    lines = asyncio.StreamReader()
    lines.feed_data(rest)
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    orders = asyncio.create_task(_obey(generator, lines))
    try:
        begin = asyncio.create_task(generator.begin())
        await asyncio.wait([begin, orders], return_when=asyncio.FIRST_COMPLETED)
        if orders.done() and not begin.done():
            begin.cancel()
            await asyncio.wait([begin])
        else:
            await begin
            _tell({"ready": True})
        await orders
    finally:
        pipe.close()
    await generator.finish()
    rows = [
        [one.group.name, one.fresh, one.sent, one.ended, one.outcome.name, one.status]
        for one in generator.exchanges
        if one.outcome is not None
    ]
    _tell({"requests": rows, "notes": generator.notes})


async def _obey(generator: Generator, lines: asyncio.StreamReader) -> None:
    """Return when the container has ended; EOFError when nobody is there any more."""
    while line := await lines.readline():
        order = json.loads(line)
        if "prepare" in order:
            await generator.prepare()
            _tell({"prepared": True})
        elif "stop" in order:
            generator.stop(float(order["stop"]))
        elif "ended" in order:
            return
    raise EOFError


def _tell(message: object) -> None:
    text = json.dumps(message).encode() + b"\n"
    while text:
        text = text[os.write(1, text) :]


if __name__ == "__main__":
    sys.exit(main())
