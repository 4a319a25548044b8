"""supervisord's command line, the real one's and ours: what it refuses, what it logs, how it goes away."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.budget.test_up_rest import HEAVY, TELL
from tests.compat.conftest import missing
from tests.compat.supervisord.servers import (
    OURS,
    PATIENCE,
    REAL,
    STARTED,
    Following,
    Server,
    mask,
    run,
    until,
)
from tests.supervise import under_init

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

HEAD = "[supervisord]\nlogfile={here}/own.log\npidfile={here}/pid\nchildlogdir={here}\n{further}"
STOP = "trap 'exit 0' TERM; exec 8<>{here}/never; read line <&8"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not Path(REAL["supervisord"][0]).exists():
        missing("supervisord is not installed: `apt-get install supervisor`")


def program(name: str, script: str, *options: str) -> str:
    return "\n".join([f"[program:{name}]", f'command=sh -c "{script}"', *options, ""])


@pytest.mark.parametrize(
    "words",
    [
        "-x",
        "--bogus",
        "-c",
        "-n -n",
        "extra words",
        "-c /nonexistent/file",
        "-l /nonexistent/directory/file -n",
        "-j /nonexistent/directory/file",
        "-q /nonexistent/directory",
        "-d /nonexistent/directory",
        "-u nobody-of-this-name -n",
        "-v",
        "--version",
    ],
)
def test_says_the_same_of_words_that_make_no_sense(tmp_path: Path, words: str) -> None:
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n")
    answers = []
    for programs in (REAL, OURS):
        answer = run([*programs["supervisord"], *words.split()], tmp_path)
        answers.append((answer.status, answer.out, mask(answer.err)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("words", ["-e loud", "-y much", "-z some", "-m 9", "-a many", "--minprocs=x"])
def test_says_in_its_own_words_why_a_value_cannot_be_used(tmp_path: Path, words: str) -> None:
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n")
    theirs, ours = (
        run([*programs["supervisord"], "-n", *words.split()], tmp_path) for programs in (REAL, OURS)
    )
    said = re.compile(r"Error: invalid value for \S+ '\w+': ")
    first, second = said.match(theirs.err), said.match(ours.err)
    assert first
    assert second
    assert first[0] == second[0]
    assert theirs.status == ours.status == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[program:a]\n", r"Error: supervisord.conf:1: there is no section \[supervisord\]"),
        ("[supervisord]\n[program:a]\n", r"Error: supervisord.conf:2: \[program:a\] has no command"),
        ("[supervisord\n", r"Error: supervisord.conf:1: "),
        (
            "[supervisord]\n[program:a]\ncommand=x\nendwell_after=b\n[program:b]\ncommand=x\nendwell_after=a\n",
            r"Error: supervisord.conf:[25]: .*wait",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "supervisord.conf").write_text(text)
    answer = run([*OURS["supervisord"], "-n", "-c", "supervisord.conf"], tmp_path)
    assert answer.status == 2
    assert re.match(problem, answer.err)
    assert answer.err.endswith("For help, use endwell supervisord -h\n")
    assert not answer.out


# -------------------------------------------------------------------------------------------------- the log


def story(server: Server) -> dict[str, list[str]]:
    """Return what the log says of each program, in order."""
    text = re.sub(r"spawnerr: .*gone.*", "spawnerr: gone ...", server.mask(server.text))  # in our own words
    lines = [re.sub(r"\(\d+\)", "(N)", line) for line in text.splitlines()]
    # How often that is said depends on the time; and who was told when, ours says besides.
    told = [line for line in lines if " waiting for " not in line and " told SIG" not in line]
    names = ("good", "bad", "fails", "gone", "deaf", "ends")
    return {name: [line for line in told if re.search(rf"\b{name}\b", line)] for name in names}


def test_the_log_tells_the_same_story() -> None:
    text = HEAD.replace("{further}", "") + (
        program("good", STOP, "startsecs=0")
        + program("bad", "read line < {here}/gate; exit 3", "startsecs=0", "autorestart=false")
        + program("ends", "read line < {here}/other; exit 0", "startsecs=0")
        + program("fails", "exit 1", "startretries=1", "startsecs=3")
        + program(
            "deaf", "trap '' TERM; exec 8<>{here}/never; read line <&8", "startsecs=0", "stopwaitsecs=1"
        )
        + "[program:gone]\ncommand=/nonexistent/gone\nstartretries=0\n"
    )
    stories = []
    for programs in (REAL, OURS):
        with Server(text, programs, fifos=("never", "gate", "other")) as server:
            server.wait_for("success: bad", "success: ends", "gave up: fails", "gave up: gone")
            for name in ("gate", "other"):
                (server.here / name).write_text("go\n")
            server.wait_for("exited: bad", "exited: ends", "success: deaf", "success: good")
            assert server.stop() == 0
            stories.append(story(server))
            own = (server.here / "own.log").read_text()
            assert [line for line in own.splitlines() if line not in server.lines] == []
            assert "WARN received SIGTERM indicating exit request" in own
            assert not (server.here / "pid").exists()
    assert stories[1] == stories[0]
    assert all(stories[0].values())


@pytest.mark.root
@pytest.mark.parametrize("programs", [REAL, OURS])
def test_root_is_told_that_the_file_was_found_by_searching(
    tmp_path: Path, programs: Mapping[str, tuple[str, ...]]
) -> None:
    (tmp_path / "supervisord.conf").write_text("[supervisord]\nuser=root\n")
    for words, said in (((), True), (("-c", "supervisord.conf"), False)):
        command = ["env", "PYTHONWARNINGS=default", *programs["supervisord"], "-n", *words]
        with Following(command, tmp_path) as server:
            server.wait_for("supervisord started")
            assert server.stop() == 0
            assert any(re.search(r"root .*search", line) for line in server.lines) == said


@pytest.mark.parametrize(("grace", "said"), [("", False), ("endwell_grace=5s\n", True)])
def test_a_stop_that_does_not_fit_is_told_to_whoever_has_said_how_long_it_may_take(
    grace: str,
    said: bool,  # noqa: FBT001  a column of the table
) -> None:
    text = HEAD.replace("{further}", grace) + program("one", STOP, "stopwaitsecs=60")
    with Server(text, OURS, fifos=("never",)) as server:
        server.wait_for("supervisord started", "spawned: 'one'")
        assert server.stop() == 0
        assert ("WARN the stop does not fit: at the worst it takes 1m," in server.text) == said


def test_the_log_is_put_aside_when_it_is_big_enough() -> None:
    text = HEAD.replace("{further}", "") + program("one", "echo up > {here}/up", "startsecs=0")
    with Server(text, OURS, ("-n", "-s", "-y", "100", "-z", "2"), fifos=("up",)) as server:
        assert server.read("up") == "up\n"
        assert server.stop() == 0
        assert not server.text
        assert sorted(one.name for one in server.here.glob("own.log*")) == [
            "own.log",
            "own.log.1",
            "own.log.2",
        ]


def test_the_log_says_no_more_than_is_wanted() -> None:
    text = HEAD.replace("{further}", "") + program("one", "echo up > {here}/up", "startsecs=0")
    with Server(text, OURS, ("-n", "-e", "error", "-u", str(os.getuid())), fifos=("up",)) as server:
        assert server.read("up") == "up\n"
        assert server.stop() == 0
        assert not server.text
        assert not (server.here / "own.log").read_text()


def test_the_log_is_opened_anew_on_usr2() -> None:
    text = HEAD.replace("{further}", "") + program("one", STOP, "startsecs=0")
    with Server(text, OURS, fifos=("never",)) as server:
        server.wait_for("success: one")
        (server.here / "own.log").rename(server.here / "aside.log")
        server.process.send_signal(signal.SIGUSR2)
        server.wait_for("received SIGUSR2 indicating log reopen request")
        assert server.stop() == 0
        assert "received SIGTERM" in (server.here / "own.log").read_text()
        assert "received SIGTERM" not in (server.here / "aside.log").read_text()


def test_logs_of_an_earlier_run_are_removed_unless_they_are_to_be_left() -> None:
    text = HEAD.replace("{further}", "identifier=me\n") + program("one", "echo up > {here}/up", "startsecs=0")
    left = ("old-stdout---me-Ab1_.log", "old-stderr---me.log.3", "old-stdout---you-x.log", "me.log")
    for options, gone in ((("-n",), left[:2]), (("-n", "-k"), ())):
        with Server(text, OURS, options, fifos=("up", *left)) as server:
            assert server.read("up") == "up\n"
            assert {name for name in left if not (server.here / name).exists()} == set(gone)


def test_limits_are_raised_for_itself_and_for_its_programs() -> None:
    text = HEAD.replace("{further}", "") + program("one", "ulimit -n > {here}/up", "startsecs=0")
    prefix = ("sh", "-c", 'ulimit -Sn 200; exec "$@"', "sh")
    with Server(text, OURS, ("-n", "-a", "777"), fifos=("up",), prefix=prefix) as server:
        assert server.read("up") == "777\n"
        server.wait_for("INFO Increased RLIMIT_NOFILE limit to 777")


def test_a_changed_file_is_applied_on_hup_and_a_broken_one_is_not() -> None:
    text = HEAD.replace("{further}", "") + program("one", "echo up > {here}/begun; " + STOP, "startsecs=0")
    with Server(text, OURS, ("-n", "-e", "warn", "-i", "me"), fifos=("never", "begun", "up")) as server:
        assert server.read("begun") == "up\n"
        before = server.file.read_text()
        server.file.write_text(f"{before}[program:broken]\n")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(":8: [program:broken] has no command")
        further = program("two", "echo $0 up > {here}/up", "startsecs=0", "autorestart=false")
        server.file.write_text(before + further.format(here=server.here))
        server.process.send_signal(signal.SIGHUP)
        assert server.read("up") == "sh up\n"
        assert server.stop() == 0
        # The command line comes before the file, also the second time.
        assert " INFO " not in server.text


# --------------------------------------------------------------------------------------------- where it runs


def test_without_n_it_goes_to_the_background_and_says_so_when_it_has_begun() -> None:
    text = HEAD.replace("{further}", "umask=027\ndirectory=/usr\n")
    text += program("one", "(umask; pwd) > {here}/up; " + STOP, "startsecs=0")
    told = []
    for programs in (REAL, OURS):
        with Background(text, programs) as server:
            assert server.wait() == 0
            places = server.read("up").replace(str(server.here), "HERE")
            number = int((server.here / "pid").read_text())
            pidfd = os.pidfd_open(number)
            assert os.getsid(number) == number
            assert {str(Path(f"/proc/{number}/fd/{one}").readlink()) for one in range(3)} == {os.devnull}
            told.append(
                (
                    Path(f"/proc/{number}/cwd").readlink().name,
                    "Umask:\t0027" in Path(f"/proc/{number}/status").read_text(),
                    places,
                )
            )
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            until(pidfd)
            assert not (server.here / "pid").exists()
            assert "daemonizing the supervisord process" in (server.here / "own.log").read_text()
    assert told[0] == told[1]


class Background(Server):
    """One that leaves; whatever becomes of the test, it does not stay."""

    def __init__(self, text: str, programs: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(text, programs, (), fifos=("up", "never"))

    def __exit__(self, *exception: object) -> None:
        if (self.here / "pid").exists():
            number = int((self.here / "pid").read_text())
            os.kill(number, signal.SIGKILL)
        super().__exit__(*exception)


@pytest.mark.parametrize("options", [(), ("-n",)], ids=["in the background", "in the foreground"])
def test_a_socket_that_is_taken_is_said_to_whoever_has_called(options: tuple[str, ...]) -> None:
    text = HEAD.replace("{further}", "") + "[unix_http_server]\nfile={here}/s\n"
    with Server(text, OURS) as server:
        server.wait_for(STARTED)
        second = run([*OURS["supervisord"], *options, "-c", str(server.file), "-j", "other"], server.here)
        assert second.status == 2
        place = f"Error: {server.file}:5: [unix_http_server]"
        assert second.err.startswith(f"{place} cannot be opened at {server.here}/s")
        assert not (server.here / "other").exists()


@pytest.mark.root
def test_as_pid_1_it_stays_with_or_without_n() -> None:
    text = HEAD.replace("{further}", "") + program(
        "one", STOP.replace("exec", "kill -TERM 1; exec"), "startsecs=0"
    )
    programs = {"supervisord": (*under_init.command(), "supervisord")}
    with Server(text, programs, (), fifos=("never",), prefix=under_init.NAMESPACE) as server:
        assert server.wait() == 0
        assert STARTED in server.text
        assert "stopped: one (exit status 0)" in server.text


@pytest.mark.root
def test_it_becomes_the_user_that_is_wanted() -> None:
    text = HEAD.replace("{further}", "") + program("one", "id -u > {here}/up; " + STOP, "startsecs=0")
    options = ("-n", "-u", "65534", "-l", "/dev/null")
    prefix = ("sh", "-c", 'chown 65534 . up never; exec "$@"', "sh")
    # Debian's Python, as nobody may read that of this test.
    programs = {"supervisord": ("/usr/bin/python3", *OURS["supervisord"][1:])}
    with Server(text, programs, options, fifos=("never", "up"), prefix=prefix) as server:
        assert server.read("up") == "65534\n"
        server.wait_for("INFO Set uid to user 65534 succeeded")
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == 65534


@pytest.mark.parametrize("name", ["supervisord", "supervisorctl"])
def test_a_link_to_endwell_is_called_by_its_own_name(tmp_path: Path, name: str) -> None:
    script = tmp_path / "endwell"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom endwell.__main__ import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    (tmp_path / name).symlink_to(script)
    link = str(tmp_path / name)
    answer = run([link, "-c", "/nonexistent/file"], tmp_path)
    assert answer.status == 2
    problem = "Error: could not find config file /nonexistent/file"
    assert answer.err == f"{problem}\nFor help, use {link} -h\n"
    assert run([link, "-h"], tmp_path).out.startswith(f"usage: {link} ")


def test_at_rest_it_has_imported_no_more_than_endwell_up(tmp_path: Path) -> None:
    path = tmp_path / "supervisord.conf"
    text = HEAD.replace("{further}", "nodaemon=true\nendwell_exit_when=all-exit\n").format(here=tmp_path)
    path.write_text(text + program("one", "exit 0", "autorestart=false", "startsecs=0"))
    done = run([sys.executable, "-S", "-c", TELL, "supervisord", "-c", str(path)], tmp_path)
    assert done.status == 0, done.err
    modules = done.out.splitlines()[-1].split()
    assert "endwell.supervise.supervisor" in modules
    assert [one for one in modules if one in HEAVY or one.partition(".")[0] in HEAVY] == []


@pytest.mark.parametrize("programs", [REAL, OURS], ids=["real", "ours"])
def test_a_second_stop_signal_hurries_nobody(programs: Mapping[str, tuple[str, ...]]) -> None:
    trap = "trap 'echo > {here}/asked; read line <&8; echo saved > {here}/saved; exit 0' TERM"
    script = f"exec 8<>{{here}}/never; {trap}; echo > {{here}}/up; read line <&8"
    text = HEAD.replace("{further}", "") + program("slow", script, "startsecs=0")
    with Server(text, programs, fifos=("never", "up", "asked", "saved")) as server:
        server.read("up")
        server.process.send_signal(signal.SIGTERM)
        server.read("asked")
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        with (server.here / "never").open("r+b", buffering=0) as never:
            never.write(b"\n")
            assert server.read("saved") == "saved\n"
        assert server.wait() == 0


# By name: its group's priority, and its own.
NUMBERS = {"web": (20, 20), "a": (5, 1), "b": (5, 9), "cron": (5, 5), "db": (1, 1)}


@pytest.mark.parametrize("programs", [REAL, OURS], ids=["real", "ours"])
def test_who_has_the_lower_priority_is_told_when_the_higher_ones_have_ended(
    programs: Mapping[str, tuple[str, ...]],
) -> None:
    guest = f"{sys.executable} {Path(__file__).parent / 'guests' / 'told.py'}"
    text = HEAD.replace("{further}", "") + "[group:g]\nprograms=a,b\npriority=5\n"
    for name, (_, own) in NUMBERS.items():
        text += f"[program:{name}]\ncommand={guest} {name} {{here}}/told {{here}}/go-{name}\n"
        text += f"priority={own}\nstartsecs=0\nstopwaitsecs=60\n"
    fifos = ("told", *(f"go-{name}" for name in NUMBERS))
    with (
        Server(text, programs, fifos=fifos) as server,
        # For writing as well: there is no end of file between one who says something and the next.
        (server.here / "told").open("r+b", buffering=0) as told,
    ):
        lines = _lines(told)
        assert {next(lines) for _ in NUMBERS} == {f"up {name}" for name in NUMBERS}
        server.process.send_signal(signal.SIGTERM)
        seen: list[str] = []
        while len(seen) < 2 * len(NUMBERS):
            seen.append(next(lines))
            what, name = seen[-1].split()
            # Those of a group are told at once: none of them ends before the other one is told, too.
            if what == "told" and (name not in "ab" or {"told a", "told b"} <= set(seen)):
                for one in "ab" if name in "ab" else (name,):
                    (server.here / f"go-{one}").write_text("go\n")
        assert [NUMBERS[line.split()[1]][0] for line in seen if "told" in line] == [20, 5, 5, 5, 1]
        for at, line in enumerate(seen):
            number = NUMBERS[line.split()[1]][0]
            higher = {f"over {name}" for name, (other, _) in NUMBERS.items() if other > number}
            assert higher <= set(seen[:at]), seen
        assert server.wait() == 0


def _lines(fifo: io.FileIO) -> Iterator[str]:
    """Go through what is written to a FIFO, line by line."""
    text = b""
    while True:
        while b"\n" not in text:
            ready, _, _ = select.select([fifo], [], [], PATIENCE)
            assert ready, f"nothing came any more: {text!r}"
            text += fifo.read(65536) or b""
        line, _, text = text.partition(b"\n")
        yield line.decode()
