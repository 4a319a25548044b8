"""Who gets which signal: all of them arrive, in order, with their values, as what they were rewritten to."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

import pytest

from tests.init.support import Init, Place, everywhere, guest

REAL_TIME: Final = range(34, 65)
NOT_FORWARDED: Final = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}
STOPS: Final = {signal.SIGTERM, signal.SIGINT}
FORWARDABLE: Final = tuple(sorted(set(range(1, 65)) - NOT_FORWARDED))

COUNTS: Final = """
import signal as names
every = set(range(1, 65)) - {SIGKILL, SIGSTOP, SIGCHLD, 32, 33}
names.pthread_sigmask(SIG_BLOCK, every)
say("ready")
while True:
    info = names.sigwaitinfo(every)
    say(info.si_signo)
    if info.si_signo == SIGTERM:
        os._exit(7)
"""
"""Says every signal but 32 and 33, which the C library hides; TERM is the last one."""

HEARS_LIBRARY_SIGNALS: Final = """
import ctypes
libc = ctypes.CDLL(None)
every = ctypes.c_uint64(3 << 31)
libc.syscall(14, SIG_BLOCK, ctypes.byref(every), None, 8)
say("ready")
info = (ctypes.c_int32 * 32)()
for _ in range(2):
    say(libc.syscall(128, ctypes.byref(every), ctypes.byref(info), None, 8))
"""


class Value(ctypes.Union):
    """The value that comes with a signal; sigqueue(3)."""

    _fields_ = (("number", ctypes.c_int), ("pointer", ctypes.c_void_p))


def queue(pid: int, number: int, value: int) -> None:
    """Send a signal with a value."""
    assert ctypes.CDLL(None).sigqueue(pid, number, Value(number=value)) == 0


@everywhere
def test_every_signal_arrives(place: Place) -> None:
    with Init("--", *guest(COUNTS), place=place) as init:
        init.expect("ready")
        for number in FORWARDABLE:
            if number in {32, 33, signal.SIGTERM}:
                continue
            init.send(number)
            init.expect(str(number))
        init.send(signal.SIGTERM)
        ended = init.end()
        assert ended.status == 7
        assert ended.out.splitlines() == [
            "ready",
            *(str(n) for n in FORWARDABLE if n not in {15, 32, 33}),
            "15",
        ]


@pytest.mark.skipif(not hasattr(signal, "SIGSTKFLT"), reason="the guest calls the kernel of x86_64 by number")
def test_the_signals_of_the_c_library_arrive() -> None:
    with Init("--", *guest(HEARS_LIBRARY_SIGNALS)) as init:
        init.expect("ready")
        for number in (32, 33):
            init.send(number)
            init.expect(str(number))
        assert init.end().status == 0


def test_a_burst_of_different_signals_arrives() -> None:
    burst = [number for number in FORWARDABLE if number not in {32, 33, 15, 18, 20, 21, 22}]
    with Init("--", *guest(COUNTS)) as init:
        init.expect("ready")
        init.send(*burst)
        init.expect(*map(str, burst))
        init.send(signal.SIGTERM)
        assert init.end().status == 7


@everywhere
def test_real_time_signals_keep_their_order_and_values(place: Place) -> None:
    body = """
import signal as names
names.pthread_sigmask(SIG_BLOCK, {40, 41})
say("ready")
import ctypes
libc = ctypes.CDLL(None)
info = (ctypes.c_int32 * 32)()
mask = ctypes.c_uint64(1 << 39 | 1 << 40)
for _ in range(400):
    say(libc.sigtimedwait(ctypes.byref(mask), ctypes.byref(info), None), info[2], info[6])
"""
    with Init("--", *guest(body), place=place) as init:
        init.expect("ready")
        for value in range(200):
            queue(init.pid, 40, value)
        for value in range(200, 400):
            queue(init.pid, 41, value)
        ended = init.end()
        expected = [f"{40 if value < 200 else 41} {signal_code('SI_QUEUE')} {value}" for value in range(400)]
        assert ended.out.splitlines()[1:] == expected


def signal_code(name: str) -> int:
    """The si_code of that name; siginfo_t in sigaction(2)."""
    return {"SI_USER": 0, "SI_QUEUE": -1}[name]


def test_real_time_signals_without_a_value_are_not_lost() -> None:
    with Init("--", *guest(COUNTS)) as init:
        init.expect("ready")
        init.send(*[50] * 300, 51)
        init.expect("51")
        assert init.lines.count("50") == 300


@everywhere
def test_rewritten(place: Place) -> None:
    words = (
        "--rewrite",
        "HUP:USR1",
        "--rewrite=USR1:HUP",
        "--rewrite",
        "RTMIN+1:SIGRTMAX",
        "--rewrite",
        "28:0",
    )
    with Init(*words, "--", *guest(COUNTS), place=place) as init:
        init.expect("ready")
        for sent, heard in ((1, 10), (10, 1), (35, 64), (34, 34)):
            init.send(sent)
            init.expect(str(heard))
        init.send(signal.SIGWINCH, signal.SIGTERM)
        assert init.end().out.split() == ["ready", "10", "1", "64", "34", "15"]


def test_a_rewritten_stop_signal_still_stops() -> None:
    with Init(
        "--rewrite", "TERM:QUIT", "--", *guest("hear(SIGQUIT, leave=4)\nsay('ready')\nforever()")
    ) as init:
        init.expect("ready")
        init.send(signal.SIGTERM)
        assert init.end() == (4, "ready\nSIGQUIT\n", "")


def test_what_becomes_a_stop_signal_stops() -> None:
    body = "worker(polite)\nhear(SIGTERM, leave=4)\nsay('ready')\nforever()"
    with Init("--rewrite", "USR1:TERM", "--report", "-", "--", *guest(body)) as init:
        init.expect("ready")
        init.send(signal.SIGUSR1)
        ended = init.end()
        assert ended.status == 4
        assert ended.out.startswith("ready\nSIGTERM\nworker SIGTERM\n")
        assert '"stop":{"reason":"signal","signal":"SIGUSR1"' in ended.out


def test_a_dropped_stop_signal_stops_nothing() -> None:
    with Init("--rewrite", "TERM:0", "--", *guest(COUNTS)) as init:
        init.expect("ready")
        init.send(signal.SIGTERM, signal.SIGHUP)
        init.expect("1")
        init.send(signal.SIGINT)
        init.expect("2")
        assert "15" not in init.lines


def test_rewriting_is_not_transitive() -> None:
    with Init("--rewrite", "HUP:USR1", "--rewrite", "USR1:USR2", "--", *guest(COUNTS)) as init:
        init.expect("ready")
        init.send(signal.SIGHUP)
        init.expect("10")


def test_another_stop_signal() -> None:
    body = "hear(SIGQUIT, SIGWINCH, SIGTERM)\nworker(polite)\n"
    body += "hear(SIGWINCH, leave=4)\nsay('ready')\nforever()"
    with Init("--stop-signal", "WINCH", "--stop-signal=QUIT", "--report", "-", "--", *guest(body)) as init:
        init.expect("ready")
        init.send(signal.SIGWINCH)
        ended = init.end()
        assert ended.status == 4
        assert ended.out.startswith("ready\nSIGWINCH\nworker SIGTERM\n")
        assert '"signal":"SIGWINCH"' in ended.out


THREE: Final = """
def hears(name):
    return lambda: (hear(SIGUSR1, SIGTERM, name=name), up(), forever())
worker(hears("member"), session=False)
worker(hears("session"))
hear(SIGUSR1, name="main")
hear(SIGUSR2, name="main")
say("ready")
forever()
"""
"""Main, a worker of its group, and one in a session of its own."""


@everywhere
@pytest.mark.parametrize(
    ("to", "who"),
    [("main", {"main"}), ("group", {"main", "member"}), ("tree", {"main", "member", "session"})],
)
def test_whom_signals_are_forwarded_to(to: str, who: set[str], place: Place) -> None:
    with Init("--to", to, "--", *guest(THREE), place=place) as init:
        init.expect("ready")
        init.send(signal.SIGUSR1)
        init.expect(*(f"{name} SIGUSR1" for name in who))
        init.send(
            signal.SIGUSR2
        )  # those who do not hear it die of it, after they have heard what came before
        init.expect("main SIGUSR2")
        assert sorted(line for line in init.lines if line.endswith("USR1")) == sorted(
            f"{name} SIGUSR1" for name in who
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, 40])
def test_pid_1_hears_what_comes_from_inside(number: int) -> None:
    body = f"hear({int(number)}, leave=7)\nsay('ready', os.getppid())\nos.kill(1, {int(number)})\nforever()"
    with Init("--", *guest(body)) as init:
        assert init.end().status == 7


@everywhere
def test_signals_before_the_command_exists_are_kept(place: Place) -> None:
    early = (signal.SIGHUP, signal.SIGUSR1, 40, signal.SIGTERM)

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, early)
        for number in early:
            os.kill(os.getpid(), number)

    body = """
import signal as names
heard = set()
while len(heard) < 4:
    heard.add(names.sigwait({SIGHUP, SIGUSR1, SIGTERM, 40}))
say(*sorted(heard))
os._exit(7)
"""
    with Init("--", *guest(body), place=place, prepare=prepare) as init:
        ended = init.end()
        assert ended.status == 7
        assert ended.out == "1 10 15 40\n"


@everywhere
def test_a_stop_while_the_command_is_being_executed(place: Place) -> None:
    for _ in range(20):
        with Init("--", "sleep", "1000", place=place) as init:
            children = Path(f"/proc/{init.pid}/task/{init.pid}/children")
            while not children.read_text():
                pass
            init.send(signal.SIGTERM)
            assert init.end().status == 128 + signal.SIGTERM


def test_kill_and_stop_need_no_forwarding() -> None:
    with Init("--", *guest("say('ready')\nforever()"), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(signal.SIGKILL)
        assert init.left() == -signal.SIGKILL
