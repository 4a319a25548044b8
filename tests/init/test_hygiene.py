"""The command gets what the init was given, signals, descriptors, environment, and nothing of our own."""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from tests.init.builds import shipped
from tests.init.namespaces import mount
from tests.init.support import Init, Place, everywhere, guest, needs_root, run, shell

TERM: Final = signal.SIGTERM
NONE: Final = "0" * 16


def bits(*numbers: int) -> str:
    """A set of signals as /proc shows it."""
    return f"{sum(1 << number - 1 for number in numbers):016x}"


def signals(status: str) -> dict[str, str]:
    """The sets of signals in these lines of /proc/PID/status."""
    pairs = (line.partition(":") for line in status.splitlines())
    return {name: value.strip() for name, _, value in pairs}


SHOWS: Final = ("grep", "-E", "^(Sig|Shd)(Blk|Ign|Pnd)", "/proc/self/status")


@everywhere
def test_a_clean_mask_and_default_actions(place: Place) -> None:
    found = signals(run("--", *SHOWS, place=place).out)
    assert found == {"SigBlk": NONE, "SigIgn": NONE, "SigPnd": NONE, "ShdPnd": NONE}


@everywhere
@pytest.mark.parametrize("number", [1, 2, 13, 15, 17, 18, 20, 34, 64])
def test_ignored_ones_stay_ignored(number: int, place: Place) -> None:
    def prepare() -> None:
        signal.signal(number, signal.SIG_IGN)

    ended = run("--", *SHOWS, place=place, prepare=prepare)
    assert ended.status == 0, "also with SIGCHLD ignored the end is noticed"
    assert signals(ended.out)["SigIgn"] == bits(number)


def test_blocked_ones_stay_blocked(tmp_path: Path) -> None:
    hook = tmp_path / "hook"  # without a shell, which would unblock them
    hook.write_text("#!/usr/bin/env -S grep -h ^SigBlk: /proc/self/status\n")
    hook.chmod(0o755)
    blocked = (1, 10, 15, 17, 40, 64)

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, blocked)

    ended = run("--after-exit", str(hook), "--", "grep", "SigBlk", "/proc/self/status", prepare=prepare)
    assert ended.out == f"SigBlk:\t{bits(*blocked)}\n" * 2, "the hook's, too"


def test_the_status_is_known_though_sigchld_is_ignored() -> None:
    def prepare() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    assert run("--", *shell("exit 42"), prepare=prepare).status == 42


def test_no_descriptor_of_ours(tmp_path: Path) -> None:
    words = ("--report", str(tmp_path / "r.json"), "--before-stop", "true", "--after-exit", "true", "-v")
    ended = run(*words, "--", *guest("say(*sorted(map(int, os.listdir('/proc/self/fd'))))"))
    assert ended.out == "0 1 2 3\n", "3 is the folder that is listed"


@everywhere
def test_inherited_descriptors_reach_the_command_and_are_closed_in_the_init(place: Place) -> None:
    read, write = os.pipe()

    def prepare() -> None:
        for number in (3, 9, 300, 1000):
            os.dup2(write, number)

    body = "for fd in (3, 9, 300, 1000):\n    os.write(fd, b'x')\n    os.close(fd)\nsay('ready')\nforever()"
    with Init("--", *guest(body), place=place, prepare=prepare) as init:
        os.close(write)
        init.expect("ready")
        assert os.read(read, 100) == b"xxxx"
        assert os.read(read, 1) == b"", "nobody holds the other end any more"
        assert {path.name for path in Path(f"/proc/{init.pid}/fd").iterdir()} == {"0", "1", "2"}
    os.close(read)


def test_what_the_init_keeps_open(tmp_path: Path) -> None:
    words = ("--report", str(tmp_path / "r.json"), "--after-exit", "true")
    with Init(*words, "--", *guest("say('ready')\nforever()"), directory=tmp_path) as init:
        init.expect("ready")
        process = Path(f"/proc/{init.pid}")
        found = {number.name: number.readlink() for number in (process / "fd").iterdir()}
        kept = {path for path in found.values() if path.is_absolute()}
        assert kept == {Path("/dev/null"), tmp_path}
        for number in found.keys() - {"0", "1", "2"}:
            flags = (process / "fdinfo" / number).read_text().split()[3]
            assert int(flags, 8) & os.O_CLOEXEC, "it closes when a hook is executed"


@pytest.mark.parametrize("closed", [c for n in range(4) for c in itertools.combinations(range(3), n)])
@everywhere
def test_closed_standard_descriptors(closed: tuple[int, ...], place: Place, tmp_path: Path) -> None:
    def prepare() -> None:
        for number in closed:
            os.close(number)

    body = """
import sys
found = []
for number in range(20):
    try:
        os.fstat(number)
        found.append(number)
    except OSError:
        pass
with open(sys.argv[1], "w") as file:
    file.write(str(found))
os._exit(3)
"""
    words = ("--report", str(tmp_path / "r.json"), "--after-exit", "true", "--grace", "5s")
    found = str(tmp_path / "found")
    assert run(*words, "--", *guest(body), found, place=place, prepare=prepare).status == 3
    assert (tmp_path / "found").read_text() == str([number for number in range(3) if number not in closed])
    assert (tmp_path / "r.json").exists()


@everywhere
def test_the_working_directory_is_released(place: Place, tmp_path: Path) -> None:
    body = "say(os.getcwd())\nos.chdir('/')\nsay('ready')\nforever()"
    with Init("--", *guest(body), place=place, directory=tmp_path) as init:
        init.expect(str(tmp_path), "ready")
        assert Path(f"/proc/{init.pid}/cwd").readlink() == Path("/")


def test_sockets_that_were_passed_on() -> None:
    body = """
pid = os.environ["LISTEN_PID"]
say(int(pid) == os.getpid(), os.environ["LISTEN_FDS"], pid)
os.fstat(3)
"""
    read, write = os.pipe()

    def prepare() -> None:
        os.dup2(read, 3)

    def given(pid: str) -> str:
        variables = {"LISTEN_PID": pid, "LISTEN_FDS": "1"}
        return run("--", *guest(body), environment=variables, prepare=prepare).out

    assert given("1") == "True 1 2\n", "they were for us, so they are for the command"
    assert given("77") == "False 1 77\n", "they were for somebody else"
    os.close(read)
    os.close(write)


@everywhere
def test_the_command_leads_a_group_of_its_own(place: Place) -> None:
    ended = run("--", *guest("say(os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid())"), place=place)
    assert ended.out == "True False\n"


def test_the_environment_is_untouched() -> None:
    variables = [
        *(b"A=1\n2", b"A=2", b"EMPTY=", b"no equals sign", b"\xff\xfe=\xff", b"PATH=/usr/bin:/bin"),
        *(b"ENDWELL_GRACE=5s", b""),
    ]
    words = [os.fsencode(word) for word in (shipped(), "--grace", "3s", "--", "cat", "/proc/self/environ")]

    def prepare() -> None:
        # execve(2) itself: Python's wants pairs
        lists = [(ctypes.c_char_p * (len(strings) + 1))(*strings, None) for strings in (words, variables)]
        ctypes.CDLL(None).execve(words[0], *lists)

    assert run(prepare=prepare).out == b"\0".join([*variables, b""]).decode(errors="replace")


def test_a_hundred_thousand_arguments() -> None:
    body = "import sys\nsay(len(sys.argv), sys.argv[-1], 'over')"
    with Init("--grace", "5s", "-v", "--", *guest(body), *map(str, range(100_000))) as init:
        assert init.end()[:2] == (0, "100001 99999 over\n")


def test_the_parent_of_the_init_dies() -> None:
    body = "hear(SIGTERM, leave=7)\nsay('ready')\nos.write(9, b'x')\nforever()"

    def prepare() -> None:
        # one more process between the reaper and the init, which leaves when the command is ready
        read, write = os.pipe()
        os.set_inheritable(write, True)  # noqa: FBT003
        if os.fork():
            os.close(write)
            os.read(read, 1)
            os._exit(0)
        os.close(read)
        os.dup2(write, 9)

    words = ("--parent-death", "INT", "--rewrite", "INT:TERM", "--", *guest(body))
    with Init(*words, place=Place.BELOW, prepare=prepare) as init:
        init.expect("ready", "SIGTERM")


def test_the_command_is_told_when_the_init_is_killed() -> None:
    with Init("--", *guest("hear(SIGTERM, leave=7)\nsay('ready')\nforever()"), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(signal.SIGKILL)
        init.expect("SIGTERM")


@needs_root
def test_without_pipes_of_its_own_nothing_is_mounted_for_long(tmp_path: Path) -> None:
    def prepare() -> None:
        mount("none", str(tmp_path), "tmpfs")
        os.chdir(tmp_path)

    body = "os.chdir('/')\nimport ctypes\nsay(ctypes.CDLL(None).umount2(sys.argv[1].encode(), 0))"
    assert run("--", *guest("import sys\n" + body), str(tmp_path), prepare=prepare).out == "0\n"
