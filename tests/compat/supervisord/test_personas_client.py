"""supervisorctl, the real one and ours, say the same of the same real supervisord, and exit alike."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from endwell.records import replace
from tests.compat.conftest import missing
from tests.compat.supervisord.servers import (
    OURS,
    REAL,
    STARTED,
    Answer,
    Following,
    Server,
    Terminal,
    both,
    mask,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD = """
[supervisord]
logfile={here}/own.log
pidfile={here}/pid
childlogdir={here}
[supervisorctl]
serverurl=unix://{here}/s
prompt=here
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
SOCKET = "[unix_http_server]\nfile={here}/s\n"
PROGRAMS = """
[program:cat]
command=/bin/cat
startsecs=0
[program:off]
command=/bin/cat
autostart=false
startsecs=0
[program:talk]
command=sh -c "echo hello talk; echo trouble >&2; exec cat"
startsecs=0
[program:mute]
command=/bin/cat
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
[program:nofile]
command=/nonexistent/program
autostart=false
startretries=0
[program:noexec]
command={here}/supervisord.conf
autostart=false
startretries=0
[program:fails]
command=/bin/false
autostart=false
startretries=0
[program:a]
command=/bin/cat
startsecs=0
[program:b]
command=/bin/cat
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
autostart=false
[group:g]
programs=a,b
"""


class Step(NamedTuple):
    """A command line, given to each of two servers in the same state.

    Args:
        words: of the action.
        stdin: what is typed.
        page: whether a page of help follows the first line: those are in our own words.
    """

    words: str
    stdin: str = ""
    page: bool = False


STEPS = (
    Step("version"),
    Step("version x", page=True),
    Step("status"),
    Step("status cat"),
    Step("status all"),
    Step("status g:*"),
    Step("status g:"),
    Step("status g:a g:b_0 cat"),
    Step("status nope"),
    Step("status nope:*"),
    Step("status g:nope"),
    Step("status cat nope"),
    Step("status off nope"),
    Step("pid"),
    Step("pid cat"),
    Step("pid off"),
    Step("pid nope"),
    Step("pid cat nope off"),
    Step("pid all"),
    Step("start", page=True),
    Step("start cat"),
    Step("start nope"),
    Step("start nope:*"),
    Step("start off"),
    Step("start nofile"),
    Step("start noexec"),
    Step("start fails"),
    Step("start g:*"),
    Step("start g:b_0 g:nope cat"),
    Step("stop", page=True),
    Step("stop off"),
    Step("stop off"),
    Step("stop nope"),
    Step("stop nope:*"),
    Step("stop g:*"),
    Step("stop g:a cat"),
    Step("status cat off"),
    Step("start all"),
    Step("restart", page=True),
    Step("restart cat"),
    Step("restart off nope"),
    Step("restart g:*"),
    Step("signal", page=True),
    Step("signal HUP", page=True),
    Step("signal BOGUS cat"),
    Step("signal BOGUS g:*"),
    Step("signal CONT nope"),
    Step("signal CONT nope:*"),
    Step("signal CONT cat off"),
    Step("signal 18 g:*"),
    Step("signal CONT all"),
    Step("stop off"),
    Step("signal CONT off"),
    Step("tail", page=True),
    Step("tail talk"),
    Step("tail -5 talk"),
    Step("tail talk stderr"),
    Step("tail talk STDERR"),
    Step("tail talk bogus"),
    Step("tail -x talk"),
    Step("tail -5"),
    Step("tail 1 2 3 4", page=True),
    Step("tail nope"),
    Step("tail mute"),
    Step("tail mute stderr"),
    Step("tail -f nope"),
    Step("maintail -1"),
    Step("maintail x"),
    Step("maintail -x"),
    Step("maintail 1 2", page=True),
    Step("clear", page=True),
    Step("clear talk nope"),
    Step("clear g:a"),
    Step("tail talk"),
    Step("clear all"),
    Step("avail"),
    Step("avail x", page=True),
    Step("reread"),
    Step("reread x", page=True),
    Step("update"),
    Step("update nope"),
    Step("add"),
    Step("add nope cat"),
    Step("remove"),
    Step("remove cat nope"),
    Step("remove off"),
    Step("remove off"),
    Step("add off"),
    Step("open"),
    Step("open ftp://somewhere"),
    Step("open unix:///nonexistent/socket"),
    Step("fg", page=True),
    Step("fg nope"),
    Step("fg off"),
    Step("fg a b"),
    Step("help"),
    Step("help nope"),
    Step("nonsense"),
    Step("nonsense with words"),
    Step("!ls"),
    Step("+"),
    Step("quit"),
    Step("exit"),
    Step("EOF"),
    Step("reload x", page=True),
    Step("shutdown x", page=True),
    Step("", "status cat\npid nope\n\nnonsense\nhelp\nstop cat\nstart cat\nquit\n"),
    Step("", "status nope"),
    Step("", "exit now"),
    Step("-i shutdown", "n\n"),
    Step("-i reload", "no\n"),
    Step("-i status cat"),
    Step("-s unix:///nonexistent/socket status"),
    Step("-s unix:///nonexistent/socket pid"),
    Step("-s unix:///nonexistent/socket avail"),
    Step("-s unix:///nonexistent/socket shutdown"),
    Step("-s unix:///nonexistent/socket reload"),
    Step("-s http://127.0.0.1:1 start cat"),
    Step("-s http://127.0.0.1:1 status"),
    Step("-s http://127.0.0.1:1 update"),
    Step("-s http://127.0.0.1:1 shutdown"),
    Step("-s gopher://127.0.0.1:1 pid"),
)
SERVERS = pytest.mark.parametrize("server", [REAL, OURS], ids=["of theirs", "of ours"])
CHANGED = (
    Step("reread"),
    Step("avail"),
    Step("update cat"),
    Step("update all"),
    Step("status"),
    Step("reread"),
)
BROKEN = (Step("reread"), Step("update"), Step("status cat"))
END = (Step("shutdown"),)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not Path(REAL["supervisord"][0]).exists():
        missing("supervisord is not installed: `apt-get install supervisor`")


def play(pair: tuple[Server, Server], step: Step) -> tuple[Answer, Answer]:
    """Give the same command to both, in the same moment."""
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(server.ask, programs, *step.words.split(), stdin=step.stdin)
            for server, programs in zip(pair, (REAL, OURS), strict=True)
        ]
        theirs, ours = (one.result() for one in asked)
    return theirs, ours


# What a single start that fails for this reason makes of the status.
_STATUS = {"spawn error": 7, "file is not executable": 1, "no such file": 1, "abnormal termination": 7}


def check(pair: tuple[Server, Server], steps: tuple[Step, ...]) -> None:
    """Compare both, step by step."""
    wrong = {}
    for step in steps:
        theirs, ours = play(pair, step)
        # The real one asks a second time for nothing, and says so.
        theirs = replace(theirs, out=re.sub(r"(requires authentication\n)error: .*\n", r"\1", theirs.out))
        if step.page:
            assert len(ours.out.splitlines()) > 1, step
            theirs, ours = (replace(one, out=one.out.partition("\n")[0]) for one in (theirs, ours))
        elif "*" in step.words or "all" in step.words:
            # In the order in which they have ended, which nobody knows before.
            theirs, ours = (
                replace(one, out="\n".join(sorted(one.out.splitlines()))) for one in (theirs, ours)
            )
            reasons = set(re.findall(r"ERROR \((.*)\)$", theirs.out, re.MULTILINE))
            if len(reasons) > 1:
                # The last failure makes the status: it has to be that of one of them.
                possible = {_STATUS[why] for why in reasons}
                assert {theirs.status, ours.status} <= possible, step
                theirs = replace(theirs, status=ours.status)
        if theirs != ours:
            wrong[step] = theirs, ours
    assert not wrong, "\n".join(f"{step.words}:\n{pair[0]}\n{pair[1]}" for step, pair in wrong.items())


@pytest.mark.slow
@SERVERS
def test_every_command_says_the_same(server: Mapping[str, tuple[str, ...]]) -> None:
    with both(HEAD + SOCKET + PROGRAMS, server) as pair:
        check(pair, STEPS)


@SERVERS
def test_a_changed_file_is_read_and_applied(server: Mapping[str, tuple[str, ...]]) -> None:
    with both(HEAD + SOCKET + PROGRAMS, server) as pair:
        for one in pair:
            text = one.file.read_text()
            text = text.replace("[program:talk]", "[program:talk]\npriority=5").replace(
                "[program:mute]", "[x]"
            )
            one.file.write_text(f"{text}\n[program:new]\ncommand=/bin/cat\nstartsecs=0\n")
        check(pair, CHANGED)
        for one in pair:
            one.file.write_text(f"{one.file.read_text()}\n[program:worse]\ncommand=%(nothing)s\n")
        check(pair, BROKEN)
        check(pair, END)
        for one in pair:
            assert one.wait() == 0
        for words in ("status", "pid", "start cat", "avail", "shutdown", "tail -f cat", "fg cat", "version"):
            check(pair, (Step(words),))


@SERVERS
def test_a_server_that_asks_for_a_name(server: Mapping[str, tuple[str, ...]]) -> None:
    auth = "username=me\npassword={{SHA}}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8\n"  # "password"
    with both(HEAD + SOCKET + auth + PROGRAMS, server) as pair:
        check(
            pair,
            tuple(
                Step(words)
                for words in (
                    "status cat",
                    "avail",
                    "-u me -p wrong pid cat",
                    "-u me -p password pid cat",
                    "-u me -p password tail -f nope",
                    "-u me stop cat",
                    "--username=me --password=password --serverurl unix://nowhere status",
                )
            ),
        )


@SERVERS
def test_a_server_without_the_interface(server: Mapping[str, tuple[str, ...]]) -> None:
    without = HEAD.replace("[rpcinterface:supervisor]", "[rpcinterface:other]")
    with both(without + SOCKET, server) as pair:
        check(pair, tuple(Step(words) for words in ("status", "start cat", "avail", "shutdown", "tail cat")))


@pytest.mark.parametrize(
    "words",
    [
        "-x",
        "--bogus",
        "-s",
        "-s bogus status",
        "-u a -u b status",
        "--user a --username b",
        "--p",
        "--ser",
        "-c /nonexistent/file status",
        "-i -i",
    ],
)
def test_words_that_make_no_sense(tmp_path: Path, words: str) -> None:
    answers = []
    for programs in (REAL, OURS):
        answer = run([*programs["supervisorctl"], *words.split()], tmp_path)
        answers.append((answer.status, answer.out, mask(answer.err)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 2


def test_a_file_without_the_section_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "supervisord.conf").write_text("[supervisord]\n")
    theirs, ours = (run([*programs["supervisorctl"], "status"], tmp_path) for programs in (REAL, OURS))
    assert theirs.status == ours.status == 2
    assert theirs.err.startswith("Error: ")
    assert ours.err.startswith("Error: supervisord.conf:1: there is no section [supervisorctl]")


@SERVERS
@pytest.mark.parametrize("programs", [REAL, OURS], ids=["real", "ours"])
def test_a_log_is_followed_until_somebody_presses_control_c(
    server: Mapping[str, tuple[str, ...]], programs: Mapping[str, tuple[str, ...]]
) -> None:
    script = '[program:talk]\ncommand=sh -c "echo one; read line; echo two; exec cat"\nstartsecs=0\n'
    with Server(HEAD + SOCKET + script, server) as one:
        one.wait_for(STARTED)
        command = [*programs["supervisorctl"], "-c", str(one.file), "tail", "-f", "talk"]
        with Following(command) as following:
            following.wait_for("==> Press Ctrl-C to exit <==", "one")
            # The real one's fg may wait for half a minute after its end, or for ever.
            answer = one.ask(OURS, "fg", "talk", stdin="go on\n")
            assert answer.out.startswith("==> Press Ctrl-C to exit <==\n")
            # Not always the last line: what it follows the log with is a thread of its own.
            assert "Exiting foreground\n" in answer.out
            following.wait_for("two")
            assert following.stop(signal.SIGINT) == 0
        last = following.text.partition("two\n")[2]
        # The real one takes Ctrl-C for a failed connection if it comes while a piece is being handled.
        torn = re.fullmatch(r"\S+ Cannot connect, error: .*KeyboardInterrupt.*\n", last)
        assert last == "\n" or (programs is REAL and torn)


def test_letters_that_xml_has_no_room_for_are_left_out() -> None:
    script = '[program:red]\ncommand=printf "\\033[31mred\\033[0m \\303\\244\\n"\nstartsecs=0\n'
    with Server(HEAD + SOCKET + script, REAL) as server:
        server.wait_for("exited: red")
        assert server.ask(OURS, "tail", "red") == Answer(0, "[31mred[0m \u00e4\n\n", "")


def test_the_shell_on_a_terminal_completes_asks_and_remembers() -> None:
    with Server(HEAD + SOCKET + PROGRAMS, REAL) as server:
        server.wait_for(STARTED)
        (server.here / "history").write_text("version\n")
        command = [*OURS["supervisorctl"], "-c", str(server.file), "-r", str(server.here / "history")]
        with Terminal(command) as terminal:
            terminal.wait_for("here> ")
            terminal.type("pi\tg:\t\n")
            terminal.wait_for("pid g:")
            terminal.type("\x15pid mu\t\n")
            terminal.wait_for("pid mute \r\n")
            terminal.type("shutdown\n")
            terminal.wait_for("Really shut the remote supervisord process down y/N? ")
            terminal.type("n\n")
            terminal.wait_for("here> ")
            terminal.type("tail -f talk\n")
            terminal.wait_for("hello talk")
            terminal.type("\x03")
            terminal.wait_for("here> ")
            terminal.type("\x04")
            assert terminal.wait() == 0
        remembered = (server.here / "history").read_text().splitlines()
        assert remembered[0] == "version"
        assert "tail -f talk" in remembered
        assert server.ask(REAL, "pid", "cat").status == 0
