"""What follows from glimpses: the kernel's decision as a table, and ends that are seen in the wrong order."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.machine.deduction import events
from endwell.machine.fates import bit, fate, taken
from endwell.machine.glimpses import (
    Became,
    Collected,
    Ended,
    Ending,
    Glimpse,
    Left,
    Met,
    Sent,
    Stance,
    Stood,
)
from endwell.model.signals import CHLD, CONT, KILL, QUIT, STOP, TERM, WINCH, Signal
from endwell.model.timeline import Adopted, Born, Died, Fate, Origin, Reaped, Sender, Signalled

OUTSIDE = Sender(Origin.OUTSIDE)
NAMESPACE = Sender(Origin.NAMESPACE, 1)
KERNEL = Sender(Origin.KERNEL)
FIRST = Sender(Origin.PROCESS, 1)
SECOND = Sender(Origin.PROCESS, 2)
ASKED = bit(TERM)
QUEUED = Signal(40)


@pytest.mark.parametrize(
    ("signal", "stance", "first", "outside", "expected"),
    [
        (TERM, Stance(), True, True, Fate.DISCARDED),
        (TERM, Stance(), True, False, Fate.DISCARDED),
        (TERM, Stance(), False, False, Fate.DEFAULT),
        (KILL, Stance(), True, False, Fate.DISCARDED),
        (KILL, Stance(), True, True, Fate.DEFAULT),
        (STOP, Stance(), True, False, Fate.DISCARDED),
        (STOP, Stance(), False, False, Fate.DEFAULT),
        (KILL, Stance(blocked=~0, ignored=~0, caught=~0), False, False, Fate.DEFAULT),
        (TERM, Stance(ignored=ASKED), True, True, Fate.IGNORED),
        (TERM, Stance(caught=ASKED), True, True, Fate.HANDLER),
        (TERM, Stance(caught=ASKED, pending=ASKED), True, True, Fate.MERGED),
        (TERM, Stance(blocked=ASKED), True, True, Fate.PENDING),
        (TERM, Stance(blocked=ASKED, ignored=ASKED), True, True, Fate.PENDING),
        (TERM, Stance(blocked=ASKED, pending=ASKED), True, True, Fate.MERGED),
        (TERM, Stance(blocked=ASKED, descriptors=ASKED), True, True, Fate.PENDING),
        (TERM, Stance(waiting=ASKED), True, True, Fate.SIGWAIT),
        # Woken from sigwait, and not run yet: what it waited for is not blocked, and shows nowhere.
        (TERM, Stance(pending=ASKED), True, True, Fate.MERGED),
        (TERM, Stance(pending=ASKED), False, False, Fate.MERGED),
        (TERM, Stance(pending=bit(CHLD)), True, True, Fate.PENDING),
        (TERM, Stance(pending=bit(CHLD)), False, False, Fate.PENDING),
        (TERM, Stance(pending=bit(CHLD), ignored=ASKED), True, True, Fate.IGNORED),
        (TERM, Stance(pending=bit(CHLD), caught=bit(CHLD)), True, True, Fate.DISCARDED),
        (TERM, Stance(pending=bit(CHLD), blocked=bit(CHLD)), True, True, Fate.DISCARDED),
        (TERM, Stance(waiting=ASKED, caught=ASKED), True, True, Fate.SIGWAIT),
        (TERM, Stance(leaving=True), True, True, Fate.TOO_LATE),
        (KILL, Stance(leaving=True), False, True, Fate.TOO_LATE),
        (CHLD, Stance(), False, False, Fate.IGNORED),
        (WINCH, Stance(), False, False, Fate.IGNORED),
        (QUEUED, Stance(blocked=~0, pending=~0), False, False, Fate.PENDING),
        (QUEUED, Stance(), False, False, Fate.DEFAULT),
        (TERM, Stance(ignored=bit(CONT), caught=bit(KILL)), False, False, Fate.DEFAULT),
    ],
)
def test_the_kernels_decision(
    signal: Signal,
    stance: Stance,
    first: bool,  # noqa: FBT001  a column of the table
    outside: bool,  # noqa: FBT001  likewise
    expected: Fate,
) -> None:
    assert fate(signal, stance, first=first, outside=outside) is expected


@pytest.mark.parametrize(
    ("stance", "first", "waited", "expected"),
    [
        (Stance(descriptors=ASKED, blocked=ASKED), True, False, Fate.SIGNALFD),
        (Stance(blocked=ASKED), True, False, Fate.SIGWAIT),
        (Stance(caught=ASKED), True, False, Fate.HANDLER),
        (Stance(caught=ASKED, blocked=ASKED), True, True, Fate.SIGWAIT),
        (Stance(pending=bit(CHLD)), True, False, Fate.SIGWAIT),
        (Stance(ignored=ASKED), True, False, Fate.IGNORED),
        (Stance(), True, False, Fate.DISCARDED),
        (Stance(), False, False, Fate.DEFAULT),
    ],
)
def test_what_took_it(
    stance: Stance,
    first: bool,  # noqa: FBT001  a column of the table
    waited: bool,  # noqa: FBT001  likewise
    expected: Fate,
) -> None:
    assert taken(TERM, stance, first=first, waited=waited) is expected


def test_who_ends_after_pid_1_left_was_killed_by_the_namespace() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(1, 2, 1), Met(1, 3, 1), Left(2, 1, 0)),
            *(Ended(2.1, 3), Collected(2.1, 3, -9), Ended(2.2, 2), Collected(2.2, 2, -9)),
            *(Ended(2.3, 1), Collected(2.4, 1, 0)),
        ]
    )
    assert told[3:] == (
        Died(2, 1, 0),
        Signalled(2, 2, KILL, NAMESPACE, Fate.DEFAULT),
        Signalled(2, 3, KILL, NAMESPACE, Fate.DEFAULT),
        Died(2.1, 3, signal=KILL, sender=NAMESPACE),
        Died(2.2, 2, signal=KILL, sender=NAMESPACE),
    )


def test_the_engines_kill_is_told_after_the_end() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(0, 2, 1), Ended(5.01, 2), Collected(5.01, 2, -9), Ended(5.02, 1)),
            *(Collected(5.03, 1, -9), Sent(5, 1, KILL, OUTSIDE, None)),
        ]
    )
    assert told[2:] == (
        Signalled(5, 1, KILL, OUTSIDE, Fate.DEFAULT),
        Died(5.01, 1, signal=KILL, sender=OUTSIDE),
        Signalled(5.01, 2, KILL, NAMESPACE, Fate.DEFAULT),
        Died(5.01, 2, signal=KILL, sender=NAMESPACE),
    )


def test_an_exit_that_came_just_before_stays_an_exit() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(0, 2, 1), Left(1.9, 2, 4), Left(2, 1, 0), Ended(2.1, 2)),
            *(Collected(2.1, 2, 4), Ended(2.2, 1), Collected(2.3, 1, 0)),
        ]
    )
    assert Died(1.9, 2, 4) in told
    assert not [one for one in told if isinstance(one, Signalled)]


def test_a_kill_from_inside_is_not_the_namespaces() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(0, 2, 1), Sent(1, 2, KILL, FIRST, Stance()), Left(1, 1, 0)),
            *(Ended(1.1, 2), Collected(1.1, 2, -9), Ended(1.2, 1), Collected(1.2, 1, 0)),
        ]
    )
    assert [one.sender for one in told if isinstance(one, Died) and one.pid == 2] == [FIRST]


def test_an_adoption_proves_an_end() -> None:
    told = events([Met(0, 1, 0), Met(0, 2, 1), Met(0, 3, 2), Met(1, 3, 1), Ended(2, 2), Collected(3, 2, 0)])
    assert told[3:] == (Died(1, 2, 0), Adopted(1, 3, 1), Reaped(3, 2, 1))


def test_who_was_adopted_is_collected_by_the_adopter() -> None:
    told = events([Met(0, 1, 0), Met(0, 2, 1), Met(0, 3, 2), Ended(1, 2), Met(1, 3, 1), Collected(2, 3, 7)])
    assert told[-1] == Reaped(2, 3, 1)


def test_a_pending_signal_that_was_taken_is_not_pending() -> None:
    blocked = Stance(blocked=ASKED)
    sent: list[Glimpse] = [Met(0, 1, 0), Sent(1, 1, TERM, OUTSIDE, blocked)]
    still = Stood(2, 1, Stance(blocked=ASKED, pending=ASKED))
    assert [one.fate for one in events([*sent, still]) if isinstance(one, Signalled)] == [Fate.PENDING]
    gone = Stood(3, 1, blocked)
    assert [one.fate for one in events([*sent, still, gone]) if isinstance(one, Signalled)] == [Fate.SIGWAIT]


def fates(seen: list[Glimpse]) -> list[Fate]:
    return [one.fate for one in events(seen) if isinstance(one, Signalled)]


def test_two_pending_ones_with_no_look_between_are_both_settled() -> None:
    # A shell that blocks everything while it forks, twice.
    seen: list[Glimpse] = [
        *(Met(0, 1, 0), Sent(1, 1, TERM, SECOND, Stance(blocked=ASKED))),
        *(Sent(1.002, 1, TERM, OUTSIDE, Stance(blocked=ASKED)), Stood(1.01, 1, Stance())),
    ]
    assert fates(seen) == [Fate.DISCARDED, Fate.DISCARDED]


def test_a_handler_that_sends_it_again_has_run() -> None:
    sent = Sent(1, 2, TERM, FIRST, Stance(caught=ASKED))
    again = Sent(1.001, 2, TERM, SECOND, Stance())
    seen: list[Glimpse] = [
        *(Met(0, 1, 0), Met(0, 2, 1), sent, again, Ended(1.002, 2), Collected(1.002, 2, -15)),
    ]
    assert fates(seen) == [Fate.HANDLER, Fate.DEFAULT]
    assert Died(1.002, 2, signal=TERM, sender=SECOND) in events(seen)


def test_a_handler_that_leaves_while_another_one_waits_has_run() -> None:
    first, second = (
        Sent(at, 2, TERM, FIRST, Stance(caught=ASKED, pending=held)) for at, held in ((1, 0), (2, ASKED))
    )
    leaving = Stance(caught=ASKED, blocked=ASKED, pending=ASKED)
    seen: list[Glimpse] = [
        Met(0, 1, 0),
        Met(0, 2, 1),
        first,
        second,
        Stood(3, 2, leaving, last=True),
        Left(3, 2, 0),
    ]
    assert fates(seen) == [Fate.HANDLER, Fate.MERGED]


def test_one_death_has_one_cause() -> None:
    seen: list[Glimpse] = [
        *(
            Met(0, 1, 0),
            Met(0, 2, 1),
            Sent(1, 2, TERM, FIRST, Stance()),
            Sent(1.001, 2, TERM, SECOND, Stance()),
        ),
        *(Ended(3, 2), Collected(3, 2, -15)),
    ]
    assert fates(seen) == [Fate.DEFAULT, Fate.TOO_LATE]
    assert Died(3, 2, signal=TERM, sender=FIRST) in events(seen)


def test_a_kill_while_a_core_is_written_is_the_cause() -> None:
    seen: list[Glimpse] = [
        *(
            Met(0, 1, 0),
            Met(0, 2, 1),
            Sent(1, 2, QUIT, FIRST, Stance()),
            Sent(1.001, 2, KILL, SECOND, Stance()),
        ),
        *(Ended(3, 2), Collected(3, 2, -9)),
    ]
    assert Died(3, 2, signal=KILL, sender=SECOND) in events(seen)


def test_one_that_waited_until_it_was_let_in_has_ended_it() -> None:
    seen: list[Glimpse] = [
        *(Met(0, 1, 0), Met(0, 2, 1), Sent(1, 2, TERM, FIRST, Stance(blocked=ASKED))),
        *(Ended(3, 2), Collected(3, 2, -15)),
    ]
    assert fates(seen) == [Fate.DEFAULT]


def test_handlers_that_were_put_away_before_the_exit_count() -> None:
    sent = Sent(1, 1, TERM, OUTSIDE, Stance(blocked=ASKED, caught=ASKED))
    told = events([Met(0, 1, 0), sent, Stood(1.001, 1, Stance(), last=True), Left(2, 1, 0)])
    assert [one.fate for one in told if isinstance(one, Signalled)] == [Fate.HANDLER]


def test_a_handler_that_never_ran_before_the_end() -> None:
    sent = Sent(1, 2, TERM, FIRST, Stance(caught=ASKED))
    pending = Stood(1.001, 2, Stance(caught=ASKED, pending=ASKED), last=True)
    told = events([Met(0, 1, 0), Met(0, 2, 1), sent, pending, Left(1.001, 1, 0)])
    assert [one.fate for one in told if isinstance(one, Signalled)] == [Fate.TOO_LATE]


def test_who_is_born_while_pid_1_leaves_is_killed_after_its_birth() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Left(1, 1, 0), Met(1.1, 2, 1), Ended(1.2, 2), Collected(1.2, 2, -9)),
            *(Ended(1.3, 1), Collected(1.4, 1, 0)),
        ]
    )
    assert told[-3:-1] == (Born(1.1, 2, 1), Signalled(1.1, 2, KILL, NAMESPACE, Fate.DEFAULT))


def test_a_long_teardown_is_one() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(0, 2, 1), Sent(1, 1, KILL, OUTSIDE, Stance()), Ended(1.01, 2)),
            *(Collected(1.01, 2, -9), Ended(2, 1), Collected(2, 1, -9)),
        ]
    )
    assert Died(1.01, 2, signal=KILL, sender=NAMESPACE) in told


def test_a_zombie_that_falls_with_pid_1_was_never_reaped() -> None:
    # The kernel collects it before it tells of PID 1's end, and nobody was killed whose end would tell.
    seen: list[Glimpse] = [
        *(Met(0, 1, 0), Met(0, 2, 1), Left(1, 2, 6), Ended(1, 2), Sent(5, 1, KILL, OUTSIDE, Stance())),
        *(Collected(5.01, 2, 6), Ended(5.02, 1), Collected(5.02, 1, -9)),
    ]
    assert Reaped(5.01, 2, 1) in events(seen)  # so it would look
    told = events([*seen, Ending(5.01)])
    assert [one for one in told if isinstance(one, Died)] == [
        Died(1, 2, 6),
        Died(5.01, 1, signal=KILL, sender=OUTSIDE),
    ]
    assert not [one for one in told if isinstance(one, Reaped)]


def test_who_falls_long_before_pid_1_is_known_to_be_killed_falls_with_it() -> None:
    # Nobody told us when PID 1 was killed, or on a busy machine much later.
    late: list[Glimpse] = [Sent(6, 1, KILL, OUTSIDE, Stance())]
    for killed in ([], late):
        seen: list[Glimpse] = [
            *(Met(0, 1, 0), Met(0, 2, 1), *killed, Ending(5), Ended(5, 2), Collected(5, 2, -9)),
            *(Ended(6.5, 1), Collected(6.5, 1, -9)),
        ]
        told = events(seen)
        assert Died(5, 2, signal=KILL, sender=NAMESPACE) in told
        assert not [one for one in told if isinstance(one, Reaped)]


def test_who_was_collected_before_pid_1_was_on_its_way_out_was_reaped() -> None:
    told = events(
        [
            *(Met(0, 1, 0), Met(0, 2, 1), Ended(4.9, 2), Collected(4.9, 2, 0), Ending(5)),
            *(Ended(5.1, 1), Collected(5.1, 1, 0)),
        ]
    )
    assert Reaped(4.9, 2, 1) in told


def test_a_signal_that_is_under_way_is_not_taken() -> None:
    sent = Sent(1, 1, TERM, OUTSIDE, Stance(blocked=ASKED))
    told = events([Met(0, 1, 0), sent, Stood(1.001, 1, Stance(blocked=ASKED))])
    assert [one.fate for one in told if isinstance(one, Signalled)] == [Fate.PENDING]


def test_a_status_without_a_known_sender() -> None:
    base: list[Glimpse] = [Met(0, 1, 0), Met(0, 2, 1), Ended(1, 2)]
    assert events([*base, Collected(1, 2, -11)])[2:-1] == (
        Signalled(1, 2, Signal(11), KERNEL, Fate.DEFAULT),
        Died(1, 2, signal=Signal(11), sender=KERNEL),
    )
    assert events([*base, Collected(1, 2, -9)])[-2] == Died(1, 2, signal=KILL)
    assert events([*base, Collected(1, 2, None)])[-2] == Died(1, 2)


def test_a_number_comes_round_again() -> None:
    told = events([Met(0, 1, 0), Met(1, 2, 1), Ended(2, 2), Collected(2, 2, 0), Met(3, 2, 1)])
    assert [one.at for one in told if isinstance(one, Born) and one.pid == 2] == [1, 3]


PIDS = st.integers(1, 4)
TIMES = st.floats(0, 10)
SIGNALS = st.sampled_from([TERM, KILL, CHLD, QUEUED])
MASKS = st.sampled_from([0, ASKED, ~0])
STANCES = st.builds(Stance, MASKS, MASKS, MASKS, MASKS, MASKS, MASKS, st.booleans())
SENDERS = st.sampled_from([OUTSIDE, FIRST, SECOND])
GLIMPSES = st.one_of(
    st.builds(Met, TIMES, PIDS, st.integers(0, 4)),
    st.builds(Became, TIMES, PIDS, st.just(("x",))),
    st.builds(Sent, TIMES, PIDS, SIGNALS, SENDERS, st.none() | STANCES),
    st.builds(Stood, TIMES, PIDS, STANCES, st.booleans()),
    st.builds(Left, TIMES, PIDS, st.integers(0, 255)),
    st.builds(Ended, TIMES, PIDS),
    st.builds(Ending, TIMES),
    st.builds(Collected, TIMES, PIDS, st.none() | st.integers(-31, 255).filter(lambda one: one != 0)),
)


@given(st.lists(GLIMPSES, max_size=40))
def test_whatever_is_seen_makes_a_story(seen: list[Glimpse]) -> None:
    told = events(seen)
    assert [one.at for one in told] == sorted(one.at for one in told)
    for pid in range(1, 5):
        births = [one for one in told if isinstance(one, Born) and one.pid == pid]
        for kind in (Died, Reaped):
            assert len([one for one in told if isinstance(one, kind) and one.pid == pid]) <= len(births)
