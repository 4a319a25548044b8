"""The parts of the engines by themselves: addresses, frames, bounded output, commands."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
from contextlib import closing
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, strategies as st

from endwell.engine.awaited_end import AwaitedEnd
from endwell.engine.client import Client
from endwell.engine.endpoint import DOCKER_SOCKET, Endpoint, docker_endpoint
from endwell.engine.lines import HEAD, TAIL
from endwell.engine.output import Output
from endwell.engine.protocol import EngineError
from endwell.engine.remote import command_of
from endwell.engine.sources import Attached, Pipe
from endwell.model.spec import ContainerSpec

if TYPE_CHECKING:
    from pathlib import Path

    from endwell.engine.client import Call


def test_addresses(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert docker_endpoint(home).path == DOCKER_SOCKET
    assert docker_endpoint({**home, "DOCKER_HOST": "unix:///run/x.sock"}).url == "unix:///run/x.sock"
    assert docker_endpoint({**home, "DOCKER_HOST": "tcp://127.0.0.1"}).url == "tcp://127.0.0.1:2375"
    assert docker_endpoint({**home, "DOCKER_HOST": "127.0.0.1:99"}).url == "tcp://127.0.0.1:99"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DOCKER_HOST": "ssh://me@host"}, "ssh is not supported; forward its socket"),
        ({"DOCKER_HOST": "tcp://host:2376", "DOCKER_TLS_VERIFY": "1"}, "TLS is not supported; forward"),
        ({"DOCKER_HOST": "https://host"}, "TLS is not supported"),
        ({"DOCKER_HOST": "npipe:////./pipe/docker"}, "not an address; write unix"),
        ({"DOCKER_HOST": "tcp://host:nonsense"}, "not an address"),
        ({"DOCKER_CONTEXT": "nosuch"}, "context 'nosuch'.*docker context ls"),
    ],
)
def test_addresses_that_are_not_ours(environment: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=said):
        docker_endpoint({"HOME": str(tmp_path), **environment})


def test_the_current_context_is_followed(tmp_path: Path) -> None:
    directory = tmp_path / ".docker" / "contexts" / "meta" / hashlib.sha256(b"desk").hexdigest()
    directory.mkdir(parents=True)
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "desk"}')
    meta = {"Name": "desk", "Endpoints": {"docker": {"Host": "unix:///home/me/docker.sock"}}}
    (directory / "meta.json").write_text(json.dumps(meta))
    assert docker_endpoint({"HOME": str(tmp_path)}).path == "/home/me/docker.sock"
    assert docker_endpoint({"HOME": str(tmp_path), "DOCKER_CONTEXT": "default"}).path == DOCKER_SOCKET


def test_what_answers_must_be_an_engine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        client = Client(
            Endpoint(host="127.0.0.1", port=server.getsockname()[1]), title="Docker", program="docker"
        )
        with pytest.raises(EngineError, match="no Docker; set DOCKER_HOST"):
            assert client.version
        thread.join()


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = b"".join(bytes([kind, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for kind, text in frames)
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    ours, theirs = socket.socketpair()
    found = {"stdout": b"", "stderr": b""}
    with ours, theirs:
        attached = Attached(ours, terminal=False)
        for start, end in pairwise(places):
            for stream, piece in attached.unpack(wire[start:end]):
                found[stream] += piece
    assert found["stdout"] == b"".join(text for kind, text in frames if kind == 1)
    assert found["stderr"] == b"".join(text for kind, text in frames if kind == 2)


def test_the_first_and_the_last_lines_are_kept() -> None:
    outer, inner = os.pipe()
    total = 10 * (HEAD.lines + TAIL.lines)
    with closing(Output([Pipe(outer, "stdout")])) as output:
        output.start()
        with os.fdopen(inner, "w") as stream:
            stream.writelines(f"{number}\n" for number in range(total))
        assert output.wait(60.0)
        kept = [int(line.text) for line in output.lines]
        assert kept[: HEAD.lines] == list(range(HEAD.lines))
        assert kept[-TAIL.lines :] == list(range(total - TAIL.lines, total))
        assert output.dropped.lines == total - len(kept)
        assert len(kept) < 2 * (HEAD.lines + TAIL.lines) + 65536


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ContainerSpec(), ["e", "c"]),
        (ContainerSpec(command=("x",)), ["e", "x"]),
        (ContainerSpec(entrypoint=("y",)), ["y"]),
        (ContainerSpec(entrypoint=(), command=("x",)), ["x"]),
        (ContainerSpec(init=("i", "--")), ["i", "--", "e", "c"]),
    ],
)
def test_commands_are_put_together_as_docker_does(spec: ContainerSpec, words: list[str]) -> None:
    assert command_of(spec, {"Entrypoint": ["e"], "Cmd": ["c"]}) == words
    assert command_of(ContainerSpec(init=("i",)), {"Entrypoint": None, "Cmd": None}) == []


class Waiting:
    """A request that the engine has answered."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def answer(self) -> bytes:
        """Return what it has said."""
        return self._answer

    def abort(self) -> None:
        """Have nothing to give up."""


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b'{"StatusCode":4}', 4), (b'{"StatusCode":4,"Error":null}\n', 4), (b"4\n", 4), (b"0\n", 0)],
)
def test_an_end_is_told_in_two_ways(answer: bytes, status: int) -> None:
    end = AwaitedEnd("web")
    end.watch(cast("Call", Waiting(answer)))
    found = end.wait()
    end.close()
    assert found is not None
    assert found[0] == status


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b'{"StatusCode":0,"Error":{"Message":"web has already been removed"}}',
            "has already been",
        ),
        (b'{"StatusCode":0,"Error":{}', "cut short"),
        (b"-1\n", "has not seen it"),
        (b"[]", "cut short"),
        (b"", "cut short"),
        (b"null", "cut short"),
    ],
)
def test_an_end_that_the_engine_does_not_know_is_none(answer: bytes, why: str) -> None:
    end = AwaitedEnd("web")
    end.watch(cast("Call", Waiting(answer)))
    with pytest.raises(EngineError, match=f"cannot tell how web ended: .*{why}"):
        end.wait()
    end.close()
