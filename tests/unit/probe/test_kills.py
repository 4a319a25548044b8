"""Whom a call of the kill family is about, and what an approximation does instead of it."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess

import pytest

from endwell.machine.glimpses import Stance
from endwell.probe.kills import Kill, Reached, instead, unblocked, wanted
from endwell.probe.roster import Member
from endwell.system.seccomp import Notification

MINUS = 0xFFFFFFFF  # -1, as a register holds an int
HOLDER = 0xFFFFFFFE00000000


def held(call: str, *arguments: int) -> Notification:
    return Notification(0, 0, call, (*arguments, *(0,) * (6 - len(arguments))))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (held("kill", 7, 15), Kill(15, 7)),
        (held("kill", HOLDER | 7, 15), Kill(15, 7)),
        (held("kill", MINUS, 15), Kill(15, everybody=True)),
        (held("kill", 0, 15), Kill(15)),
        (held("kill", MINUS - 6, 15), Kill(15, group=7)),
        (held("rt_sigqueueinfo", 7, 15), Kill(15, 7)),
        (held("tkill", 7, 15), Kill(15, 7, thread=True)),
        (held("tgkill", 7, 8, 15), Kill(15, 7, thread=True)),
        (held("rt_tgsigqueueinfo", 7, 8, 15), Kill(15, 7, thread=True)),
    ],
)
def test_whom_a_call_is_about(call: Notification, expected: Kill) -> None:
    assert wanted(call, os.getpid()) == expected


def test_whom_a_pidfd_is_about() -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        assert wanted(held("pidfd_send_signal", pidfd, 15), os.getpid()) == Kill(15, host=os.getpid())
        group = wanted(held("pidfd_send_signal", pidfd, 15, 0, 1 << 2), os.getpid())
        assert group == Kill(15, group=os.getpgid(0))
    finally:
        os.close(pidfd)


@pytest.mark.parametrize(("number", "counts"), [(0, False), (15, True), (32, False), (33, False), (64, True)])
def test_a_question_and_the_thread_librarys_own_do_not_count(number: int, *, counts: bool) -> None:
    assert Kill(number, 7).counts is counts


def test_what_raise_blocks_is_not_blocked() -> None:
    assert unblocked(Stance(blocked=~0 & ~(1 << 8))).blocked == 0
    assert unblocked(Stance(blocked=1 << 14)).blocked == 1 << 14


def member(pid: int = 2, pidfd: int = -1) -> Member:
    return Member(pid, (pid,), pid, pidfd, 0)


SPARED = Reached(member(1), spared=True)
TOLD = Reached(member(), spared=False)


@pytest.mark.parametrize(
    ("kill", "reached", "refused"),
    [(Kill(15, 2), [TOLD], False), (Kill(15, group=2), [TOLD], True), (Kill(15, 2), [], True)],
)
def test_a_call_that_reaches_only_whom_it_would_inside_goes_on(
    kill: Kill,
    reached: list[Reached],
    refused: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert instead(kill, reached, refused=refused) is None


@pytest.mark.parametrize(
    ("kill", "reached", "refused", "error"),
    [
        (Kill(15, 4242), [], False, errno.ESRCH),  # somebody outside
        (Kill(15, group=4242), [], False, errno.ESRCH),
        (Kill(15, everybody=True), [], False, errno.ESRCH),
        (Kill(15, everybody=True), [], True, errno.EPERM),
        (Kill(15, 1), [], False, errno.ESRCH),
        (Kill(15, 1), [SPARED], False, 0),
        (Kill(9, 100), [SPARED], False, 0),
    ],
)
def test_one_that_would_reach_others_never_goes_on(
    kill: Kill,
    reached: list[Reached],
    refused: bool,  # noqa: FBT001  a column of the table
    error: int,
) -> None:
    assert instead(kill, reached, refused=refused) == error


@pytest.mark.parametrize("kill", [Kill(15, everybody=True), Kill(15, 1), Kill(15, group=1)])
def test_who_would_be_reached_inside_is_sent_it_by_us(kill: Kill) -> None:
    with subprocess.Popen(["sleep", "100"]) as child:
        pidfd = os.pidfd_open(child.pid)
        try:
            reached = [SPARED, Reached(member(child.pid, pidfd), spared=False)]
            assert instead(kill, reached, refused=False) == 0
            assert select.select([pidfd], [], [], 10.0)[0]
        finally:
            child.kill()
            os.close(pidfd)
    assert child.returncode == -signal.SIGTERM
