"""The server process; see the package. Usage: server.py http1|http2|tcp [MODE]."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
)

_PREFACE = len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
_BODY = b"x" * 200_000  # more than HTTP/2's default window


class State:
    """What all connections share."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.release = asyncio.Event()
        self.idle: set[asyncio.StreamWriter] = set()
        self.turn = asyncio.Lock()


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def http1(state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        state.idle.add(writer)
        first = await reader.read(1)
        if not first:
            writer.close()
            return
        state.idle.discard(writer)
        head = first + await reader.readuntil(b"\r\n\r\n")
        say(f"asked {state.mode} {head.split()[1].decode()}")
        if not await http1_answer(state, writer, head.split()[1]):
            return


async def http1_answer(  # noqa: C901  one case for each thing a server can do wrong
    state: State, writer: asyncio.StreamWriter, path: bytes
) -> bool:
    if path == b"/slow":
        await state.release.wait()
    match state.mode:
        case "fin":
            writer.close()
        case "rst":
            reset(writer)
        case "cut" | "cut-rst":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await writer.drain()
            reset(writer) if state.mode == "cut-rst" else writer.close()
        case "nonsense":
            writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        case "hang":
            await asyncio.Event().wait()
        case "hang-in-answer":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            await asyncio.Event().wait()
        case "error":
            writer.write(b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\n\r\n")
            return True
        case "missing":
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        case "close":
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            writer.close()
        case "until-end":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nas much as there is")
            writer.close()
        case _:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return True
    return False


async def one_at_a_time(state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with state.turn:
        await http1(state, reader, writer)


async def http2(state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(_PREFACE)
    writer.write(SettingsFrame(0, settings={SettingsFrame.MAX_CONCURRENT_STREAMS: 50}).serialize())
    decoder, encoder, block = Decoder(), Encoder(), b""
    while True:
        try:
            head = await reader.readexactly(9)
        except asyncio.IncompleteReadError:
            writer.close()
            return
        frame, length = Frame.parse_frame_header(memoryview(head))
        frame.parse_body(memoryview(await reader.readexactly(length)))
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            writer.write(SettingsFrame(0, flags=["ACK"]).serialize())
        elif isinstance(frame, PingFrame) and "ACK" in frame.flags:
            say("pong")
        elif isinstance(frame, HeadersFrame | ContinuationFrame):
            block += frame.data
            if "END_HEADERS" in frame.flags:
                headers = [(str(name), str(value)) for name, value in decoder.decode(block)]
                path = dict(headers)[":path"]
                block = b""
                say(f"asked {state.mode} {path}")
                await http2_answer(state, writer, frame.stream_id, encoder, path)


async def http2_answer(  # noqa: C901  one case for each thing a server can do wrong
    state: State, writer: asyncio.StreamWriter, stream: int, encoder: Encoder, path: str
) -> None:
    def answer(status: str, *flags: str) -> bytes:
        return HeadersFrame(
            stream, encoder.encode([(":status", status)]), flags=["END_HEADERS", *flags]
        ).serialize()

    body = (
        b"".join(
            DataFrame(stream, _BODY[start : start + 16_384]).serialize()
            for start in range(0, len(_BODY), 16_384)
        )
        + DataFrame(stream, b"", flags=["END_STREAM"]).serialize()
    )
    if path == "/slow":
        await state.release.wait()
    match state.mode:
        case "goaway":  # answers this one, and no later one
            writer.write(GoAwayFrame(0, last_stream_id=2**31 - 1).serialize())
            writer.write(PingFrame(0, b"endwell!").serialize())
            writer.write(answer("103"))
            writer.write(GoAwayFrame(0, last_stream_id=stream).serialize() + answer("200") + body)
            await writer.drain()
        case "goaway-below":  # says that it did not look at this one
            writer.write(GoAwayFrame(0, last_stream_id=max(0, stream - 2)).serialize())
            await writer.drain()
            writer.close()
        case "refuse-stream" | "reset-stream":
            code = 7 if state.mode == "refuse-stream" else 2
            writer.write(RstStreamFrame(stream, error_code=code).serialize())
        case "fin":
            writer.close()
        case "rst":
            reset(writer)
        case "cut":
            writer.write(answer("200") + DataFrame(stream, b"half").serialize())
            await writer.drain()
            writer.close()
        case "nonsense":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        case "error":
            writer.write(answer("500", "END_STREAM"))
        case "hang":
            pass
        case _:
            writer.write(answer("200") + body)


async def tcp(state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    say(f"connected {state.mode}")
    state.idle.add(writer)
    if state.mode == "rst":
        reset(writer)
        return
    while text := await reader.read(100):
        say(f"asked {state.mode}")
        writer.write(text)
    writer.close()


async def serve(protocol: str, mode: str) -> None:  # noqa: C901  one branch for each order
    state = State(mode)
    handle = {"http1": http1, "http2": http2, "tcp": tcp, "one": one_at_a_time}[protocol]
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(state, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    say(f"port {server.sockets[0].getsockname()[1]}")
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := (await orders.readline()).decode().strip():
        if line.startswith("mode "):
            state.mode = line.split()[1]
        elif line == "deaf":
            server.close()
        elif line == "farewell":
            for writer in list(state.idle):
                writer.close()
        elif line == "farewell-rst":
            for writer in list(state.idle):
                reset(writer)
        elif line == "release":
            state.release.set()
            state.release = asyncio.Event()
        say(line)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "ok"))
