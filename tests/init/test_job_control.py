"""On a terminal: keys reach the command, jobs stop and go on, shells keep their job control."""

from __future__ import annotations

import os
import shlex
import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests.init.support import Init, guest
from tests.init.terminals import BASH, INTERRUPT, SUSPEND, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TALKS: Final = guest("""
hear(SIGINT, name="got", leave=3)
hear(SIGTERM, name="got", leave=7)
hear(SIGCONT, SIGHUP, name="got")
say("ready", os.tcgetpgrp(0) == os.getpgrp())
while True:
    try:
        word = os.read(0, 100)
    except InterruptedError:
        continue
    if not word:
        os._exit(5)
    say("heard", word.decode().strip().upper())
""")
"""Says which signals it gets, whether it has the terminal, and in capitals what is typed."""
WAITS: Final = guest("""
hear(SIGTERM, name="got", leave=7)
hear(SIGCONT, name="got")
say("ready", os.tcgetpgrp(0) == os.getpgrp())
forever()
""")
"""Says the same and reads nothing, so that it can be in the background."""


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal() as opened:
        yield opened


def typed(*words: str) -> str:
    """A shell line that runs an init with these words."""
    return f'"$INIT" {shlex.join(words)}'


def script(path: Path, words: tuple[str, ...]) -> str:
    """A file that executes these words, because a terminal takes only lines of 4095 bytes."""
    path.write_text(f"#!/bin/sh\nexec {shlex.join(words)}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def talks(tmp_path: Path) -> str:
    return script(tmp_path / "talks", TALKS)


@pytest.fixture
def waits(tmp_path: Path) -> str:
    return script(tmp_path / "waits", WAITS)


def test_ctrl_c_reaches_the_command(terminal: Terminal, talks: str) -> None:
    with terminal.bash():
        terminal.shows("$ ")
        terminal.type(typed("--", talks) + "; echo status=$?\n")
        terminal.shows("ready True")
        terminal.type("hello\n")
        terminal.shows("heard HELLO")
        terminal.type(INTERRUPT)
        terminal.shows("got SIGINT")
        terminal.shows("status=3")


def test_ctrl_z_and_fg(terminal: Terminal, talks: str) -> None:
    with terminal.bash():
        terminal.shows("$ ")
        terminal.type(typed("--", talks) + "\n")
        terminal.shows("ready True")
        for _ in range(3):
            terminal.type(SUSPEND)
            terminal.shows("Stopped")
            terminal.type("echo sum=$((20 + 3))\n")
            terminal.shows("sum=23")
            terminal.type("fg\n")
            terminal.shows("got SIGCONT")
            terminal.type("hello\n")
            terminal.shows("heard HELLO")
        terminal.type(INTERRUPT)
        terminal.shows("got SIGINT")
        terminal.type("echo status=$?\n")
        terminal.shows("status=3")


def test_bg_leaves_the_terminal_to_the_shell(terminal: Terminal, waits: str) -> None:
    with terminal.bash():
        terminal.shows("$ ")
        terminal.type(typed("--", waits) + "\n")
        terminal.shows("ready True")
        terminal.type(SUSPEND)
        terminal.shows("Stopped")
        terminal.type("bg; echo sum=$((20 + 3))\n")
        terminal.shows("sum=23")
        terminal.type("kill %1; wait %1; echo status=$?\n")
        terminal.shows("got SIGTERM")
        terminal.shows("status=7")


def test_a_job_in_the_background_does_not_steal_the_terminal(terminal: Terminal, waits: str) -> None:
    with terminal.bash():
        terminal.shows("$ ")
        terminal.type(typed("--", waits) + " &\n")
        terminal.shows("ready False")
        terminal.type("echo sum=$((20 + 3))\n")
        terminal.shows("sum=23")
        terminal.type("kill %1; wait %1; echo status=$?\n")
        terminal.shows("status=7")


def test_a_stopped_job_that_is_told_to_stop(terminal: Terminal, talks: str) -> None:
    # Continued, its command reads the terminal that the shell has now, and would be stopped for it again.
    with terminal.bash():
        terminal.shows("$ ")
        for _ in range(10):
            terminal.type(typed("--grace", "5s", "--", talks) + "\n")
            terminal.shows("ready True")
            terminal.type(SUSPEND)
            terminal.shows("Stopped")
            terminal.type("kill %%\n")
            terminal.shows("got SIGTERM")
            terminal.type("while jobs %% 2>/dev/null; do :; done | tail -n 1; echo gone\n")
            terminal.shows("\ngone")


def test_the_terminal_is_handed_back(terminal: Terminal) -> None:
    # A script has no job control: nobody but us gives the terminal back to it.
    with terminal.bash("-c", f'{typed("--", "true")}; read word; echo "heard $word"; exit 6') as shell:
        terminal.type("hello\n")
        terminal.shows("heard hello")
        assert shell.end().status == 6


def test_the_terminal_is_handed_back_to_a_later_command(terminal: Terminal, talks: str) -> None:
    with terminal.bash("-c", f"{typed('--', 'true')}; {typed('--', talks)}; exit $?") as shell:
        terminal.shows("ready True")
        terminal.type(INTERRUPT)
        assert shell.end().status == 3


def test_a_command_that_asks_the_terminal_itself(terminal: Terminal) -> None:
    # as ssh asks for a password: no standard descriptor is the terminal, yet it is ours
    words = ("--", "/bin/sh", "-c", "echo asks >/dev/tty; read word </dev/tty; echo heard $word >/dev/tty")
    with terminal.bash():
        terminal.shows("$ ")
        terminal.type(typed(*words) + " </dev/null >/dev/null 2>&1; echo status=$?\n")
        terminal.shows("\nasks")
        terminal.type("hello\n")
        terminal.shows("heard hello")
        terminal.shows("status=0")


def test_pid_1_hands_the_terminal_to_the_command(terminal: Terminal) -> None:
    with Init("--", *TALKS, terminal=terminal.device) as init:
        terminal.shows("ready True")
        terminal.type("hello\n")
        terminal.shows("heard HELLO")
        terminal.type(INTERRUPT)
        terminal.shows("got SIGINT")
        assert init.end().status == 3


def test_ctrl_z_does_not_freeze_a_container(terminal: Terminal) -> None:
    with Init("--", *TALKS, terminal=terminal.device) as init:
        terminal.shows("ready True")
        for _ in range(3):
            terminal.type(SUSPEND)
            terminal.shows("got SIGCONT")
            terminal.type("hello\n")
            terminal.shows("heard HELLO")
        init.send(signal.SIGTERM)
        assert init.end().status == 7


def test_a_shell_as_the_command_of_pid_1(terminal: Terminal, talks: str) -> None:
    environment = {"PS1": "$ ", "TERM": "dumb"}
    with Init("--", "bash", *BASH, terminal=terminal.device, environment=environment) as init:
        terminal.shows("$ ")
        assert "no job control" not in terminal.screen
        terminal.type(f"{talks}\n")
        terminal.shows("ready True")
        terminal.type(SUSPEND)
        terminal.shows("Stopped")
        terminal.type("jobs; echo sum=$((20 + 3))\n")
        terminal.shows("sum=23")
        terminal.type("fg\n")
        terminal.shows("got SIGCONT")
        terminal.type("hello\n")
        terminal.shows("heard HELLO")
        terminal.type(INTERRUPT)
        terminal.shows("got SIGINT")
        terminal.type("echo status=$?; exit 4\n")
        terminal.shows("status=3")
        assert init.end().status == 4


@pytest.mark.parametrize("main", ["dies", "hears"])
def test_the_terminal_hangs_up(main: str, terminal: Terminal) -> None:
    read, write = os.pipe()
    hears = "hear(SIGHUP, then=lambda: None, leave=5)" if main == "hears" else ""
    body = f"{hears}\nworker(polite)\nsay('ready')\nforever()"
    with Init("--grace", "5s", "--", *guest(body), terminal=terminal.device, stdout=write) as init:
        os.close(write)
        with open(read, "rb") as output:  # noqa: PTH123 - a descriptor
            assert output.readline() == b"ready\n"
            os.close(terminal.device)
            terminal.hang_up()
            assert init.left() == (5 if main == "hears" else 129)
            assert output.read().endswith(b"worker SIGTERM\n")
        terminal.device = os.open(os.devnull, os.O_RDONLY)
