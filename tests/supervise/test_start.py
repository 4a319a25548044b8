"""Starting: what counts as ready, what is done about who does not come up, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.supervise.upping import PATIENCE, SOURCES, STOP, WAIT, Up, program

if TYPE_CHECKING:
    from pathlib import Path

GATE = "read line < gate; "  # a FIFO that the test opens when it wants the service to go on

NOTIFY = """
import os, signal, socket
open("gate").read()
where = os.environ["NOTIFY_SOCKET"]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
    door.sendto(b"STATUS=nearly", where.replace("@", chr(0), 1))
    door.sendto(b"STATUS=now" + bytes([10]) + b"READY=1", where.replace("@", chr(0), 1))
signal.pause()
"""

LISTEN = """
import signal, socket, sys
open("gate").read()
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while len(sys.argv) > 2:
    talk, _ = door.accept()
    talk.recv(4096)
    talk.sendall(b"HTTP/1.1 " + sys.argv.pop(2).encode() + b" Whatever" + bytes([13, 10, 13, 10]))
    talk.close()
signal.pause()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def running(up: Up) -> list[str]:
    return [line for line in up.err if "is running" in line]


def python(directory: Path, name: str, text: str) -> str:
    (directory / f"{name}.py").write_text(text)
    return f"exec {sys.executable} {name}.py"


@pytest.mark.parametrize("means", ["notify", "fd", "log", "tcp", "http", "exec", "file"])
def test_who_waits_for_it_is_started_when_it_is_ready_and_not_before(tmp_path: Path, means: str) -> None:
    port = free_port()
    value, script = {
        "notify": ("notify", python(tmp_path, "notify", NOTIFY)),
        "fd": ("fd:5", f"{GATE} echo >&5; exec 5>&-; {WAIT}"),
        "log": ("log:^now \\d+$", f"echo not now; {GATE} echo now 42; {WAIT}"),
        "tcp": (f"tcp:{port}", python(tmp_path, "listen", LISTEN) + f" {port}"),
        "http": (f"http://127.0.0.1:{port}/x", python(tmp_path, "listen", LISTEN) + f" {port} 503 200"),
        "exec": ("exec:test -e shown", f"{GATE} touch shown; {WAIT}"),
        "file": (f"file:{tmp_path}/shown", f"{GATE} touch shown; {WAIT}"),
    }[means]
    os.mkfifo(tmp_path / "gate")
    first = program("first", script, f"endwell_ready={value}", "endwell_ready_every=20ms")
    with Up(tmp_path, first + program("second", STOP, "endwell_after=first:ready")) as up:
        # It opens only together with the service: by then everybody was started who does not wait for it.
        with (tmp_path / "gate").open("w") as gate:
            gate.write("go\n")
        up.wait_for("first is running", "second is running", "up second")
        assert [line.split()[1] for line in running(up)] == ["first", "second"]
        assert up.stop() == 0


def test_who_is_not_ready_in_time_has_failed_to_start(tmp_path: Path) -> None:
    late = program("late", STOP, "endwell_ready=notify", "endwell_ready_timeout=300ms", "endwell_restart=no")
    with Up(tmp_path, late, settings="endwell_exit_when=any-fails") as up:
        assert up.wait() == 1
        said = "late is given up: not ready after 300ms (notify): READY=1 did not come"
        assert any(said in line for line in up.err)


def test_who_is_not_ready_in_time_is_said_to_be_so_with_what_was_seen(tmp_path: Path) -> None:
    port = free_port()
    options = (f"endwell_ready=tcp:{port}", "endwell_ready_timeout=300ms", "endwell_restart=no")
    with Up(tmp_path, program("late", STOP, *options), settings="endwell_exit_when=any-fails") as up:
        assert up.wait() == 1
        said = f"late is given up: not ready after 300ms (tcp:127.0.0.1:{port}): connection refused"
        assert any(said in line for line in up.err)


@pytest.mark.parametrize(
    ("command", "status", "why"),
    [
        ("no-such-program", 127, "cannot find no-such-program: it is not on PATH"),
        ("/no/such", 127, "cannot find /no/such: there is no such file"),
        ("/etc/hostname", 126, "cannot execute /etc/hostname"),
        ("sh -c 'a ; b'", 127, "the command cannot be split into words, or is empty"),
    ],
)
def test_what_cannot_be_executed_ends_as_in_a_shell(
    tmp_path: Path, command: str, status: int, why: str
) -> None:
    text = f"[program:bad]\ncommand={command}\nstartretries=0\n"
    with Up(tmp_path, text, settings="endwell_exit_when=any-fails") as up:
        assert up.wait() == status
        assert any(why in line for line in up.err)


def test_why_a_program_cannot_be_found_is_said_once_for_a_service_and_its_path_once(tmp_path: Path) -> None:
    bad = '[services.{}]\ncommand = "no-such-program"\nstart = {{ retries = 2, delay = "10ms" }}\n'
    text = f'exit-when = "all-exit"\n{bad.format("one")}{bad.format("two")}replicas = 2\n'
    with Up(tmp_path, text, name="endwell.toml") as up:
        up.wait()
        why = "cannot find no-such-program: it is not on PATH; install it, or correct the command"
        assert [line for line in up.err if f"started: {why}" in line] == [
            f"endwell: one could not be started: {why} (PATH is {os.environ['PATH']})",
            f"endwell: two-1 could not be started: {why}",
        ]
        for label, times in (("one", 3), ("two-1", 3), ("two-2", 4)):
            same = [line for line in up.err if line.startswith(f"endwell: {label} ") and "same" in line]
            assert len(same) == times
            assert same[-1] == f"endwell: {label} is given up, for the same reason"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("logs = '/'", "cannot open /: Is a directory; name a file in it"),
        ("logs = 'no/such'", "/no/such: No such file or directory; create its directory (mkdir -p), or"),
        ("user = 4294967295", "4294967295 is no number of a user or group: use one below 4294967295"),
        ("user = '0:99999999999'", "99999999999 is no number of a user or group"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_do(tmp_path: Path, settings: str, why: str) -> None:
    text = f"exit-when = 'any-fails'\n[services.bad]\ncommand = 'true'\n{settings}\n"
    with Up(tmp_path, text, name="endwell.toml") as up:
        assert up.wait() > 0
        assert any("bad could not be started: " in line and why in line for line in up.err)


def test_a_command_that_no_program_can_be_given(tmp_path: Path) -> None:
    text = "[program:bad]\ncommand=echo a\0b\nstartretries=0\n"
    with Up(tmp_path, text, settings="endwell_exit_when=any-fails") as up:
        assert up.wait() > 0
        assert any("cannot start bad: a NUL character is in its command" in line for line in up.err)


@pytest.mark.parametrize(("end", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)])
def test_the_status_is_that_of_the_service_that_was_asked_for(tmp_path: Path, end: str, status: int) -> None:
    tests = program("tests", end, "autorestart=false", "endwell_after=web")
    with Up(tmp_path, tests + program("web", STOP), "--exit-code-from", "tests") as up:
        assert up.wait() == status
        assert up.service("web")["killed"] is None


def test_any_fails_ends_all_with_its_status(tmp_path: Path) -> None:
    bad = program("bad", "exit 9", "autorestart=false")
    web = program("web", STOP, "priority=1")
    with Up(tmp_path, bad + web, settings="endwell_exit_when=any-fails") as up:
        assert up.wait() == 9
        assert up.report["stop"]["why"] == "bad has failed: exited with 9"
        assert up.service("web")["told"] == 0.0


def test_a_report_to_stderr_leaves_what_a_file_there_has(tmp_path: Path) -> None:
    (tmp_path / "endwell.toml").write_text('exit-when = "all-exit"\n[services.one]\ncommand = "true"\n')
    with (tmp_path / "errors").open("wb") as errors:
        command = [sys.executable, "-m", "endwell", "up", "--report", "/dev/stderr"]
        environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
        subprocess.run(command, stderr=errors, env=environment, cwd=tmp_path, timeout=PATIENCE, check=True)
    first, *_, over, report = (tmp_path / "errors").read_text().splitlines()
    assert first.startswith("endwell: 1 service from ")
    assert over.endswith(": no service was running")
    assert json.loads(report)["exit"] == 0


def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    with Up(tmp_path, program("web", STOP, "autorestart=true")) as up:
        for count in (1, 2, 3):
            up.wait_until(lambda count=count: up.out.count("up web") == count == len(running(up)))  # type: ignore[misc]
            os.kill(int(running(up)[-1].split()[-1]), signal.SIGKILL)
        up.wait_until(lambda: up.out.count("up web") == 4)
        assert up.stop() == 0


def test_one_that_is_unhealthy_is_started_again(tmp_path: Path) -> None:
    checks = ("endwell_health=exec:test -e well", "endwell_health_interval=50ms", "endwell_health_retries=2")
    sick = program("sick", f"touch well; {STOP}", *checks, "autorestart=true")
    with Up(tmp_path, sick) as up:
        up.wait_for("sick is healthy")
        (tmp_path / "well").unlink()
        up.wait_for("sick is unhealthy")
        up.wait_until(lambda: up.out.count("up sick") == 2)
        assert up.stop() == 0


def test_hooks_before_the_start_are_done_before_it(tmp_path: Path) -> None:
    hooks = ("endwell_before_start=sh -c 'echo first'\n  sh -c 'echo second'",)
    with Up(tmp_path, program("web", STOP, *hooks)) as up:
        up.wait_for("up web")
        assert up.out == ["first", "second", "up web"]
        assert up.stop() == 0


def test_a_program_starts_with_a_clean_sheet(tmp_path: Path) -> None:
    sheet = "grep Sig /proc/self/status; ls /proc/self/fd; ulimit -n; umask; pwd"
    options = ("endwell_limits=nofile=200:300,core=0", "umask=027", f"directory={tmp_path}")
    with Up(tmp_path, program("web", sheet, *options, "autorestart=false")) as up:
        up.wait_for("web exited with 0")
        assert up.stop() == 0
        text = " ".join(up.out)
        assert "SigBlk:\t0000000000000000" in text
        assert "SigIgn:\t0000000000000000" in text
        # 3 is the directory that ls itself reads.
        assert text.endswith(f"0 1 2 3 200 0027 {tmp_path}")


def test_a_file_that_is_wrong_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with Up(tmp_path, "[program:web]\ncommand=true\nendwell_after=nobody\n") as up:
        assert up.wait() == 2
        assert any("supervisord.conf:" in line and "nobody" in line for line in up.err)


def test_check_starts_nothing(tmp_path: Path) -> None:
    with Up(tmp_path, program("web", "echo started"), "--check") as up:
        assert up.wait() == 0
        assert up.out == []


def test_the_first_line_names_the_file_and_the_grace(tmp_path: Path) -> None:
    text = program("web", "exit 0") + program("deaf", "exit 0", "stopwaitsecs=20")
    with Up(tmp_path, text, settings="endwell_exit_when=all-exit") as up:
        assert up.wait() == 0
        assert up.err[:2] == [
            f"endwell: 2 services from {tmp_path}/supervisord.conf, grace 10s",
            (
                "endwell: warning: the stop does not fit: at the worst it takes 20s, 10.5s more than the "
                f"grace of 10s leaves; `endwell plan {up.path}` shows who is cut short, and what to change"
            ),
        ]


@pytest.mark.root
def test_without_proc_it_says_so_and_starts_nothing(tmp_path: Path) -> None:
    prefix = ("unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "-")
    with Up(tmp_path, program("web", STOP), prefix=prefix) as up:
        assert up.wait() == 2
    assert up.err == ["endwell: cannot see processes without /proc; mount it there with mount -t proc"]
    assert up.out == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_inputs_and_outputs_that_are_closed_are_nobody_elses(tmp_path: Path, closed: str) -> None:
    """A log file would have their numbers, and what is meant for people would get into it."""
    script = "ls -l /proc/$$PPID/fd > fds 2> /dev/null; echo heard; exit 3"
    (tmp_path / "endwell.toml").write_text(
        f"exit-when = 'any-fails'\n[services.one]\ncommand = ['sh', '-c', '{script}']\nlogs = 'log'\n"
    )
    words = [sys.executable, "-m", "endwell", "up", "--socket", "none"]
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 3
    assert (tmp_path / "log").read_text() == "heard\n"
    held = {words[-3]: words[-1] for words in map(str.split, (tmp_path / "fds").read_text().splitlines()[1:])}
    for word in closed.split():
        number = {"<": "0", ">": "1", "2": "2"}[word[0]]
        assert held[number] == "/dev/null"
