"""What services have written, and what they write: from memory, from files, and as it comes."""

from __future__ import annotations

import gzip
import os
import socket
import time
from functools import partial
from pathlib import Path

import pytest

from tests.supervise.controlling import Controlled, Json, Talk, Value
from tests.supervise.upping import PATIENCE, STOP, WAIT, program

# It says what it is told, line by line.
ECHO = 'echo up; while read -r line; do echo "$line"; done; exec 8<>never; read line <&8'


def file_program(directory: Path, name: str, script: str, *options: str) -> str:
    """Write the section of a script that logs to files."""
    text = program(name, script, *options).replace("/dev/stdout", f"{directory}/{name}.log")
    return text.replace("redirect_stderr=true", f"stderr_logfile={directory}/{name}.err")


def wait_for(path: Path, text: bytes) -> None:
    """Wait until a text is in a file."""
    until = time.monotonic() + PATIENCE
    while not text_is_in(path, text):
        assert time.monotonic() < until, f"{text!r} did not come"
        os.sched_yield()


def text_is_in(path: Path, text: bytes) -> bool:
    try:
        return text in path.read_bytes()
    except FileNotFoundError:
        return False  # it is not there yet, or is being put aside


def said(talk: Talk, *services: str, **arguments: Json) -> list[Value]:
    """Return what `logs` sends."""
    more, last = talk.answer(talk.send("logs", services=list(services), **arguments))
    assert last.get("ok") == {}, last
    return more


def texts(talk: Talk, *services: str, **arguments: Json) -> list[str]:
    """Return the lines that `logs` sends."""
    return [one["text"] for one in said(talk, *services, **arguments)]


def follow(talk: Talk, *services: str, do: str = "logs", **arguments: Json) -> int:
    """Begin to follow; whatever is written after this is heard."""
    wanted = {"service": services[0]} if do == "attach" else {"services": list(services), "follow": True}
    number = talk.send(do, **wanted, **arguments)
    talk.ask("version") if do == "attach" else None
    return number


def next_text(talk: Talk, number: int) -> str:
    """Return the next line that is followed."""
    for line in talk.lines():
        if line["id"] == number:
            assert "more" in line, line
            text: str = line["more"]["text"]
            return text
    raise EOFError


def test_the_last_output_to_the_containers_own_is_kept(tmp_path: Path) -> None:
    text = program("one", "echo 1; echo 2 >&2; " + WAIT) + program("two", "echo 3; " + WAIT)
    with Controlled(tmp_path, text) as up:
        up.wait_for("up one", "up two")
        with up.talk() as talk:
            lines = said(talk)
            assert sorted(one["text"] for one in lines) == ["1", "2", "3", "up one", "up two"]
            assert [one["time"] for one in lines] == sorted(one["time"] for one in lines)
            assert texts(talk, "one") == ["1", "2", "up one"]
            assert texts(talk, "one", tail=2) == ["2", "up one"]
            assert texts(talk, "one", tail=0) == []
            assert texts(talk, "one", since=lines[-1]["time"] + 1) == []
            assert texts(talk, "one", since=lines[0]["time"]) == ["1", "2", "up one"]
        first = lines[0]
        assert (first["service"], first["replica"]) in {("one", 1), ("two", 1)}
        assert first["stream"] == "stdout"


def test_stderr_is_told_apart(tmp_path: Path) -> None:
    text = program("one", "echo out; echo err >&2; " + WAIT).replace(
        "redirect_stderr=true", "stderr_logfile=/dev/stderr"
    )
    with Controlled(tmp_path, text) as up:
        up.wait_for("up one", "out", "err")
        with up.talk() as talk:
            assert {(one["stream"], one["text"]) for one in said(talk)} == {
                ("stdout", "out"),
                ("stderr", "err"),
                ("stdout", "up one"),
            }


def test_what_is_kept_is_bounded_and_begins_with_a_whole_line(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo $i; done; " + WAIT
    with Controlled(tmp_path, program("one", script)) as up:
        up.wait_for("up one")
        with up.talk() as talk:
            kept = texts(talk)
    assert kept[-1] == "up one"
    numbers = [int(one) for one in kept[:-1]]
    assert numbers[-1] == 40_000
    assert numbers == list(range(numbers[0], 40_001))
    assert 1_000 < len(numbers) < 40_000


def test_bytes_that_are_no_text_come_as_they_were(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("one", "printf 'a\\377b\\n\\000\\n'; " + WAIT)) as up:
        up.wait_until(lambda: b"up one" in b"".join(up._read.values()))
        with up.talk() as talk:
            assert [one.encode(errors="surrogateescape") for one in texts(talk)] == [
                b"a\xffb",
                b"\0",
                b"up one",
            ]


def test_files_are_read_with_those_that_were_put_aside(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; done; echo err >&2; " + WAIT
    section = file_program(tmp_path, "one", script).replace("maxbytes=0", "maxbytes=200")
    with Controlled(tmp_path, section) as up:
        wait_for(tmp_path / "one.log", b"up one")
        assert (tmp_path / "one.log.3").exists()
        (tmp_path / "one.log.3.gz").write_bytes(gzip.compress((tmp_path / "one.log.3").read_bytes()))
        (tmp_path / "one.log.3").unlink()
        with up.talk() as talk:
            everything = said(talk)
            out = [one["text"] for one in everything if one["stream"] == "stdout"]
            numbers = [int(one.split()[1]) for one in out[:-1]]
            assert numbers == list(range(numbers[0], 401))
            assert len(numbers) < 400  # the oldest are gone
            assert out[-1] == "up one"
            assert [one["text"] for one in everything if one["stream"] == "stderr"] == ["err"]
            assert {one["time"] for one in everything} == {None}
            for tail in (1, 5, 20, 60, 1000):
                found = [one["text"] for one in said(talk, tail=tail) if one["stream"] == "stdout"]
                assert found == out[-tail:]


@pytest.mark.parametrize("prefix", ["time", "json"])
def test_lines_of_files_that_say_when_they_were_written(tmp_path: Path, prefix: str) -> None:
    script = "echo 'a \"b\" | c'; printf 'x\\377\\n'; " + WAIT
    section = file_program(tmp_path, "one", script, f"endwell_log_prefix={prefix}")
    with Controlled(tmp_path, section) as up:
        wait_for(tmp_path / "one.log", b"up one")
        with up.talk() as talk:
            lines = said(talk)
            assert [one["text"].encode(errors="surrogateescape") for one in lines] == [
                b'a "b" | c',
                b"x\xff",
                b"up one",
            ]
            started = talk.rows()["one"]["started"]
            assert all(abs(one["time"] - started) < 60 for one in lines)
            assert texts(talk, since=started + 3600) == []


@pytest.mark.parametrize("where", ["container", "files"])
def test_following_gives_every_line_once(tmp_path: Path, where: str) -> None:
    section = program("one", ECHO) if where == "container" else file_program(tmp_path, "one", ECHO)
    with Controlled(tmp_path, section) as up, up.talk() as talk, up.talk() as other:
        while texts(other) != ["up"]:
            pass
        number = follow(talk)
        assert next_text(talk, number) == "up"
        for at in range(100):
            other.ask("input", service="one", text=f"line {at}\n")
            assert next_text(talk, number) == f"line {at}"
        third = up.talk()
        again = follow(third, tail=3)
        assert [next_text(third, again) for _ in range(3)] == ["line 97", "line 98", "line 99"]
        third.socket.close()
        # A line that is not at its end is not told before it is.
        other.ask("input", service="one", text="half")
        other.ask("input", service="one", text=" and half\n")
        assert next_text(talk, number) == "half and half"


@pytest.mark.parametrize("where", ["container", "files"])
def test_a_line_that_was_begun_before_is_whole_for_who_follows(tmp_path: Path, where: str) -> None:
    script = f"printf begun; {GATE} echo ' and ended'; {WAIT}"
    section = program("one", script) if where == "container" else file_program(tmp_path, "one", script)
    os.mkfifo(tmp_path / "gate")
    with Controlled(tmp_path, section) as up, up.talk() as talk:
        while texts(talk) != ["begun"]:
            pass
        with up.talk() as other:
            number = follow(other)
            other.send("version")
            with (tmp_path / "gate").open("w") as gate:
                gate.write("go\n")
            assert next_text(other, number) == "begun and ended"


GATE = "read line < gate;"


def test_the_last_words_without_an_end_are_told_too(tmp_path: Path) -> None:
    with (
        Controlled(
            tmp_path, program("one", "printf fatal; exit 1", "autostart=false", "autorestart=false")
        ) as up,
        up.talk() as talk,
        up.talk() as other,
    ):
        number = follow(talk, tail=0)
        other.ask("start", services=["one"])
        assert next_text(talk, number) == "fatal"
        while other.rows()["one"]["state"] != "EXITED":
            pass
        assert texts(other) == ["fatal"]


def test_who_follows_hears_everything_up_to_the_end(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("one", STOP)) as up:
        up.wait_for("up one")
        with up.talk() as talk:
            number = follow(talk)
            assert next_text(talk, number) == "up one"
            up.process.terminate()
            more, last = talk.answer(number)
        assert [one["text"] for one in more] == ["bye"]
        assert last["ok"] == {}
        assert up.wait() == 0


def test_attach_tells_how_the_process_ends(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("one", ECHO, "autorestart=false")) as up:
        up.wait_for("up")
        with up.talk() as talk, up.talk() as other:
            number = follow(talk, "one", do="attach")
            other.ask("input", service="one", text="hello\n")
            assert next_text(talk, number) == "hello"
            other.results("kill", "one", signal="KILL")
            line = talk.read()
            assert line["more"]["end"]["status"] == 128 + 9
            assert line["more"]["end"]["signal"] == "SIGKILL"
            talk.socket.shutdown(socket.SHUT_WR)
            assert talk.answer(number)[1]["error"]["kind"] == "cancelled"


def test_input_needs_somebody_who_reads(tmp_path: Path) -> None:
    sections = (
        program("closed", "exec <&-; " + STOP) + program("deaf", STOP) + program("no", STOP, "autostart=0")
    )
    with Controlled(tmp_path, sections) as up:
        up.wait_for("up closed", "up deaf")
        with up.talk() as talk:
            kind, _ = talk.refused("input", service="closed", text="x")
            assert kind == "no-stdin"
            assert talk.refused("input", service="no", text="x")[0] == "not-running"
            for _ in range(((1 << 20) + 65536) // 60_000 - 1):
                talk.ask("input", service="deaf", text="x" * 60_000)
            talk.send("input", service="deaf", text="x" * 60_000)
            kind, message = talk.refused("input", service="deaf", text="x" * 60_000)
            assert (kind, "does not read" in message) == ("failed", True)
            assert talk.results("stop", "deaf") == {"deaf": ""}


def test_a_service_of_our_own_format_has_a_standard_input_if_it_says_so(tmp_path: Path) -> None:
    script = "while read -r line; do echo got $$line; done; echo nothing more; sleep 1000"
    command = f'command = ["sh", "-c", "{script}"]'
    text = f"[services.open]\n{command}\nstdin-open = true\n[services.shut]\n{command}\n"
    with Controlled(tmp_path, text, name="endwell.toml") as up:
        up.wait_until(lambda: any("shut | nothing more" in line for line in up.out))
        with up.talk() as talk:
            talk.ask("input", service="open", text="words\n")
            up.wait_until(lambda: any("open | got words" in line for line in up.out))
            kind, message = talk.refused("input", service="shut", text="x")
        assert (kind, "stdin-open = true" in message) == ("no-stdin", True)
        assert not any("open | nothing" in line for line in up.out)


def test_parts_of_a_file_are_counted_as_supervisord_does(tmp_path: Path) -> None:
    with Controlled(tmp_path, file_program(tmp_path, "one", "echo 0123456789; " + WAIT)) as up:
        log = tmp_path / "one.log"
        wait_for(log, b"up one")
        with up.talk() as talk:
            what = {"service": "one", "stream": "stdout"}
            assert talk.ask("read-log", **what, offset=0, length=4)["text"] == "0123"
            assert talk.ask("read-log", **what, offset=-4, length=0)["text"] == "one\n"
            assert talk.ask("read-log", **what, offset=2, length=0)["text"] == "23456789\nup one\n"
            assert talk.refused("read-log", **what, offset=-4, length=4)[0] == "bad-arguments"
            assert talk.ask("tail-log", **what, offset=0, length=7) == {
                "text": "up one\n",
                "offset": 18,
                "overflow": True,
            }
            assert talk.ask("read-log", service="one", stream="stderr", offset=0, length=0)["text"] == ""
            assert talk.results("clear-logs", "one") == {"one": ""}
            assert log.read_text() == ""
            log.unlink()
            assert talk.refused("read-log", **what, offset=0, length=0)[0] == "no-file"


def test_who_follows_all_hears_those_who_come_later(tmp_path: Path) -> None:
    command = 'command = ["sh", "-c", "echo here; sleep 1000"]'
    one, two = (f"[services.{name}]\n{command}\n" for name in ("one", "two"))
    with Controlled(tmp_path, one, name="endwell.toml") as up, up.talk() as talk, up.talk() as other:
        number = follow(talk)
        assert next_text(talk, number) == "here"
        up.write(one + two)
        assert other.ask("reload")["added"] == ["two"]
        line = talk.read()
        assert (line["id"], line["more"]["label"]) == (number, "two")


@pytest.mark.parametrize("where", ["container", "files"])
def test_no_line_is_told_twice_or_not_at_all_while_it_is_written(tmp_path: Path, where: str) -> None:
    script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; " + WAIT
    make = program if where == "container" else partial(file_program, tmp_path)
    sections = "".join(make(name, script) for name in ("one", "two", "three"))
    with Controlled(tmp_path, sections) as up, up.talk() as talk:
        number = follow(talk)
        seen: dict[str, list[str]] = {"one": [], "two": [], "three": []}
        while not all(f"up {name}" in lines[-1:] for name, lines in seen.items()):
            line = talk.read()
            assert line["id"] == number
            seen[line["more"]["label"]].append(line["more"]["text"])
    for name, lines in seen.items():
        assert lines == [*map(str, range(1, 3001)), f"up {name}"]


def test_a_client_that_leaves_within_a_long_answer_leaves_nothing_open(tmp_path: Path) -> None:
    script = (
        "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); echo 0123456789012345678901234567890123456789; done; "
    )
    with Controlled(tmp_path, file_program(tmp_path, "one", script + WAIT)) as up:
        wait_for(tmp_path / "one.log", b"up one")
        files = Path(f"/proc/{up.process.pid}/fd")
        with up.talk() as talk:
            talk.ask("version")
            before = len(list(files.iterdir()))
            for _ in range(5):
                with up.talk() as other:
                    other.send("logs")
                    assert "more" in other.read()
            while len(list(files.iterdir())) != before:
                talk.ask("version")
