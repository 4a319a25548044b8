"""`endwell exec` against a real `endwell up`: descriptors, statuses, signals, and a real terminal."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import termios
from typing import TYPE_CHECKING

import pytest

from tests.init.terminals import Terminal
from tests.supervise.commanding import SERVE, Project, end_of, read_until, service, surroundings
from tests.supervise.upping import PATIENCE, end_of as end_of_file, held_until_the_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TELL = (
    "trap 'echo got INT; exit 3' INT; trap 'echo got TERM; exit 4' TERM; "
    "echo up; while :; do read x <&8; done"
)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Project]:
    text = service(
        "web", SERVE, 'environment = { COLOR = "blue" }', 'working-directory = "."', "replicas = 2"
    )
    with Project(tmp_path, text) as project:
        project.wait_for("web-1 | up web", "web-2 | up web")
        yield project


def test_a_command_runs_as_the_service_does(web: Project) -> None:
    done = web.endwell("exec", "web-1", "sh", "-c", "echo $COLOR; pwd; echo bad >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, f"blue\n{web.directory}\n", "bad\n")
    done = web.endwell(
        "exec",
        "-e",
        "COLOR=red",
        "-e",
        "HERE",
        "-w",
        "/",
        "web-2",
        "--",
        "sh",
        "-c",
        "echo $COLOR $HERE; pwd",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "red\n/\n", "")
    done = web.endwell("exec", "-e", "HERE", "web-2", "printenv", "HERE", environment={"HERE": "x y"})
    assert done.stdout == "x y\n"


@pytest.mark.root
def test_it_runs_as_the_user_that_is_asked_for(web: Project) -> None:
    assert web.said("exec", "-u", "65534", "-w", "/", "web-1", "id", "-u") == "65534\n"
    done = web.endwell("exec", "-u", "nosuchuser", "web-1", "id")
    assert (done.returncode, done.stdout) == (126, "")
    assert "nosuchuser" in done.stderr


def test_standard_input_only_when_asked_for(web: Project) -> None:
    assert web.endwell("exec", "-i", "web-1", "cat", stdin="one\ntwo").stdout == "one\ntwo"
    assert web.endwell("exec", "web-1", "cat", stdin="one\ntwo").stdout == ""


def test_what_it_writes_goes_where_ours_goes(web: Project) -> None:
    """Nothing is copied: a million lines come whole, and a file gets them itself."""
    with (web.directory / "out").open("wb") as file:
        done = subprocess.run(
            web.command("exec", "web-1", "seq", "1000000"),
            stdout=file,
            check=False,
            env=surroundings(),
            timeout=PATIENCE,
        )
    assert done.returncode == 0
    assert (web.directory / "out").read_bytes().split()[-1] == b"1000000"


def test_a_standard_stream_that_is_closed_is_not_replaced_by_something_else(web: Project) -> None:
    """Or the command would have our connection to the supervisor as its standard input."""
    command = " ".join(web.command("exec", "-i", "web-1", "ls", "-l", "/proc/self/fd/0", "/proc/self/fd/2"))
    done = subprocess.run(
        ["sh", "-c", f"exec {command} <&- 2>&-"],
        capture_output=True,
        check=False,
        env=surroundings(),
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    assert done.stdout.count(b"/dev/null") == 2


def test_what_cannot_be_executed(web: Project) -> None:
    (web.directory / "plain").write_text("no program")
    for command, status in (("no-such-program", 127), ("./plain", 126), ("/", 126)):
        done = web.endwell("exec", "web-1", command)
        assert (done.returncode, done.stdout) == (status, "")
        assert done.stderr.startswith("endwell exec: ")
        assert command in done.stderr
        assert done.stderr.count("\n") == 1
    done = web.endwell("exec", "web-1", "sh", "-c", "kill -9 $$")
    assert done.returncode == 128 + 9


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: SERVICE; see `endwell exec --help`"),
        (["web-1"], "name a command, such as `endwell exec -it web sh`"),
        (["-it", "web-1", "true"], "cannot give it a terminal: standard input is none; leave -t out"),
        (["-e", "=x", "web-1", "true"], "'=x' sets no variable: use NAME=VALUE"),
    ],
)
def test_words_that_make_no_sense(web: Project, words: list[str], said: str) -> None:
    done = web.endwell("exec", *words)
    # Before 3.13 argparse wanted CMD, too.
    err = done.stderr.replace("required: SERVICE, CMD;", "required: SERVICE;")
    assert (done.returncode, done.stdout, err) == (2, "", f"endwell exec: {said}\n")


@pytest.mark.parametrize(
    ("number", "name", "status"), [(signal.SIGINT, "INT", 3), (signal.SIGTERM, "TERM", 4)]
)
def test_signals_are_passed_on(web: Project, number: int, name: str, status: int) -> None:
    running = web.begin("exec", "web-1", "sh", "-c", f"exec 8<>never; {TELL}")
    read_until(running, b"up\n")
    assert end_of(running, number) == (status, f"got {name}\n".encode(), b"")


def test_it_ends_when_we_do(web: Project) -> None:
    held = held_until_the_end(web.directory / "held")
    running = web.begin("exec", "web-1", "sh", "-c", "exec 9>held 8<>never; echo up; read line <&8")
    read_until(running, b"up\n")
    running.kill()
    running.communicate(timeout=PATIENCE)
    assert end_of_file(held) == b""


def test_it_is_told_when_the_container_ends(web: Project) -> None:
    running = web.begin("exec", "web-1", "sh", "-c", f"exec 8<>never; {TELL}")
    read_until(running, b"up\n")
    assert web.stop() == 0
    _, out, _ = end_of(running)
    assert out == b"got TERM\n"


def test_it_is_told_with_the_first_services_also_when_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    # The service waits for the other one: it would be killed if that were told when services are over.
    web = service("web", "trap 'read x < gate; exit 0' TERM; exec 8<>never; echo up; read line <&8")
    script = "trap '' HUP; trap 'echo go > gate; exit 0' TERM; exec 8<>never; echo up; read line <&8"
    with Project(tmp_path, web, "--grace", "1m") as project:
        project.wait_for("web | up")
        running = project.begin("exec", "web", "sh", "-c", script)
        read_until(running, b"up\n")
        running.kill()
        running.wait(PATIENCE)
        assert project.stop() == 0
        (one,) = project.report["rest"]
        assert (one["exec_of"], one["killed"]) == ("web", False)
        name = f"exec of web: sh -c {script} (process {one['pid']})"
        assert f"endwell: {name} was told SIGTERM and ended" in project.err


def test_one_that_does_not_leave_is_killed_at_the_end_and_named(tmp_path: Path) -> None:
    with Project(tmp_path, service("web"), "--grace", "2s") as project:
        project.wait_for("web | up web")
        script = "trap '' TERM; exec 8<>never; echo up; read line <&8"
        running = project.begin("exec", "web", "sh", "-c", script)
        read_until(running, b"up\n")
        assert project.stop() == 124
        pid = project.report["rest"][0]["pid"]
        assert f"endwell: exec of web: sh -c {script} (process {pid}) had to be killed" in project.err


# -------------------------------------------------------------------------------------------- with a terminal


class Sitting(Terminal):
    """A terminal with `endwell exec` in its foreground."""

    def begin(self, project: Project, *words: str) -> subprocess.Popen[bytes]:
        self.before = termios.tcgetattr(self.device)
        return project.begin(*words, prefix=("setsid", "--ctty"), terminal="xterm", device=self.device)

    def drain(self, process: subprocess.Popen[bytes]) -> None:
        """Read until a process has ended."""
        ended = os.pidfd_open(process.pid)
        while ended not in select.select([self._keyboard, ended], [], [])[0]:
            os.read(self._keyboard, 65536)
        os.close(ended)

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.device) == self.before


@pytest.fixture
def sitting() -> Iterator[Sitting]:
    with Sitting() as terminal:
        termios.tcsetwinsize(terminal.device, (30, 100))
        yield terminal


def test_a_shell_on_a_terminal(web: Project, sitting: Sitting) -> None:
    shell = sitting.begin(web, "exec", "-it", "-e", "PS1=now? ", "web-1", "sh", "-i")
    sitting.shows("now? ")
    assert not sitting.is_as_before()
    sitting.type("echo $COLOR $TERM; stty size; tty\n")
    sitting.shows("blue xterm")
    sitting.shows("30 100")
    sitting.shows("/dev/pts/")
    sitting.shows("now? ")
    sitting.type("sh -c 'echo go''ing; exec sleep 9999'\n")
    sitting.shows("going\r\n")
    sitting.type("\x03")
    sitting.shows("now? ")
    sitting.type("echo the last words; exit 7\n")
    assert shell.wait(PATIENCE) == 7
    sitting.shows("the last words\r\n")
    assert sitting.is_as_before()


def test_a_shell_that_is_typed_at_does_not_hold_up_the_end(web: Project, sitting: Sitting) -> None:
    sitting.begin(web, "exec", "-it", "-e", "PS1=now? ", "web-1", "sh", "-i")
    sitting.shows("now? ")
    assert web.stop() == 0
    assert web.report["rest"][0]["exec_of"] == "web-1"
    assert not web.report["rest"][0]["killed"]


def test_its_terminal_is_as_large_as_ours(web: Project, sitting: Sitting) -> None:
    script = "trap 'stty size; exit 7' WINCH; exec 8<>never; stty size; echo up; while :; do read x <&8; done"
    running = sitting.begin(web, "exec", "-it", "web-1", "sh", "-c", script)
    sitting.shows("30 100\r\nup")
    termios.tcsetwinsize(sitting.device, (40, 120))
    sitting.shows("40 120")
    assert running.wait(PATIENCE) == 7


def test_what_comes_last_is_shown_too(web: Project, sitting: Sitting) -> None:
    shown = sitting.begin(web, "exec", "-t", "web-1", "sh", "-c", "seq 20000; sleep 9999 & echo end")
    sitting.shows("20000\r\nend\r\n")
    assert shown.wait(PATIENCE) == 0
    assert sitting.is_as_before()


def test_one_that_it_leaves_behind_may_go_on_writing(web: Project, sitting: Sitting) -> None:
    shown = sitting.begin(web, "exec", "-it", "web-1", "sh", "-c", "trap '' HUP; yes & read x; exit 6")
    sitting.shows("y\r\ny\r\n")
    sitting.type("\n")
    sitting.drain(shown)
    assert shown.wait(PATIENCE) == 6


def test_more_is_typed_than_is_read(web: Project, sitting: Sitting) -> None:
    """A program that does not read its terminal does not stop what it shows, nor lose what is typed."""
    script = "stty raw -echo; echo quiet; read line < gate; head -c 60000 | wc -c"
    os.mkfifo(web.directory / "gate")
    typing = sitting.begin(web, "exec", "-it", "web-1", "sh", "-c", script)
    sitting.shows("quiet")
    os.set_blocking(sitting._keyboard, False)
    left, opened = 60_000, False
    while left:
        try:
            left -= os.write(sitting._keyboard, b"x" * min(left, 4096))
        except BlockingIOError:
            if not opened:
                (web.directory / "gate").write_text("go\n")
                opened = True
            assert select.select([], [sitting._keyboard], [], PATIENCE)[1]
    if not opened:
        (web.directory / "gate").write_text("go\n")
    sitting.shows("60000")
    assert typing.wait(PATIENCE) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 129), (signal.SIGTERM, 4)])
def test_the_terminal_is_as_before_however_it_ends(
    web: Project, sitting: Sitting, number: int, status: int
) -> None:
    running = sitting.begin(web, "exec", "-it", "web-1", "sh", "-c", f"exec 8<>never; {TELL}")
    sitting.shows("up")
    running.send_signal(number)
    assert running.wait(PATIENCE) == status
    assert sitting.is_as_before()


def test_the_supervisor_ends_before_it(web: Project, sitting: Sitting) -> None:
    running = sitting.begin(
        web, "exec", "-it", "web-1", "sh", "-c", "exec 8<>never; trap '' TERM; echo up; read x <&8"
    )
    sitting.shows("up")
    services = [os.pidfd_open(web.row(label)["pid"]) for label in ("web-1", "web-2")]
    web.process.kill()
    assert running.wait(PATIENCE) == 1
    for one in services:  # nobody else will
        signal.pidfd_send_signal(one, signal.SIGKILL)
        os.close(one)
    sitting.shows("endwell exec: the supervisor has ended, or closed the connection, before it answered\r\n")
    assert sitting.is_as_before()


def test_top_again_and_again(web: Project, sitting: Sitting) -> None:
    top = sitting.begin(web, "top", "-f")
    sitting.shows("\x1b[HNAME")
    sitting.shows("web-2")
    sitting.shows("\x1b[HNAME")
    sitting.type("\x03")
    assert top.wait(PATIENCE) == 130


def test_colors_are_for_terminals(web: Project, sitting: Sitting) -> None:
    assert sitting.begin(web, "ps").wait(PATIENCE) == 0
    sitting.shows("\x1b[32mUp ")
    assert sitting.begin(web, "logs").wait(PATIENCE) == 0
    sitting.shows("web-1  |\x1b[0m up web")
    assert "\x1b" not in web.said("ps") + web.said("logs")
    assert all(
        len(line) <= 100
        for line in sitting.screen.replace("\x1b[32m", "").replace("\x1b[0m", "").split("\r\n")
    )
