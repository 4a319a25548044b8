"""The table of what becomes of a request."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, strategies as st

from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.probe.load.outcomes import TABLE, Exchange, Happening, State, regroup, step

SENT = {State.SENDING, State.WAITING}


@pytest.mark.parametrize(
    ("happenings", "outcome"),
    [
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.ANSWERED], Outcome.OK),
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.ANSWERED_LAST], Outcome.OK_CLOSE),
        ([Happening.NO_ENTRY], Outcome.REFUSED),
        ([Happening.CONNECTED, Happening.FIN], Outcome.REFUSED),
        ([Happening.CONNECTED, Happening.SENT, Happening.UNPROCESSED], Outcome.REFUSED),
        ([Happening.CONNECTED, Happening.SENT, Happening.RST], Outcome.RESET),
        ([Happening.CONNECTED, Happening.SENT, Happening.FIN], Outcome.DROPPED),
        ([Happening.CONNECTED, Happening.PART_SENT, Happening.FIN], Outcome.DROPPED),
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.FIN], Outcome.CUT),
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.RST], Outcome.CUT),
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.ANSWERED_BADLY], Outcome.ERROR),
        ([Happening.CONNECTED, Happening.SENT, Happening.OVER], Outcome.HUNG),
        ([Happening.CONNECTED, Happening.SENT, Happening.BYTES, Happening.OVER], Outcome.HUNG),
        ([Happening.CONNECTED, Happening.KEPT, Happening.BYTES, Happening.FIN], Outcome.OK_CLOSE),
        ([Happening.CONNECTED, Happening.KEPT, Happening.RST], Outcome.RESET),
        ([Happening.CONNECTED, Happening.KEPT, Happening.OVER], Outcome.HUNG),
    ],
)
def test_a_course_of_things_has_its_outcome(happenings: list[Happening], outcome: Outcome) -> None:
    exchange = Exchange(Group.NEW, 0.0)
    for at, one in enumerate(happenings):
        exchange.meet(one, float(at))
    assert exchange.outcome is outcome
    assert exchange.ended == (None if outcome is Outcome.HUNG else len(happenings) - 1)


def test_every_state_ends_when_the_connection_or_our_patience_does() -> None:
    for state, happening in product(State, (Happening.FIN, Happening.RST, Happening.OVER)):
        assert isinstance(step(state, happening), Outcome)


def test_every_outcome_and_every_state_is_reached_from_the_first() -> None:
    reached: set[State | Outcome] = {State.CONNECTING}
    for _ in State:
        reached |= {after for (before, _), after in TABLE.items() if before in reached}
    assert reached == {*State, *Outcome}


def test_nothing_is_lost_before_it_was_sent_and_nothing_answered_is_called_so_early() -> None:
    for (state, happening), after in TABLE.items():
        if state in {State.CONNECTING, State.OPEN} and happening is not Happening.OVER:
            assert isinstance(after, State) or not after.lost
        if after in {Outcome.OK, Outcome.ERROR}:
            assert state is State.ANSWERING
        if after is Outcome.CUT and happening in {Happening.FIN, Happening.RST}:
            assert state is State.ANSWERING


def test_what_cannot_happen_is_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match=r"a request that is connecting cannot meet: answered$"):
        step(State.CONNECTING, Happening.ANSWERED)


@given(st.lists(st.sampled_from(Happening), max_size=12))
def test_an_outcome_is_final_and_time_does_not_run_back(happenings: list[Happening]) -> None:
    exchange = Exchange(Group.NEW, 0.0)
    seen = []
    for at, one in enumerate(happenings, 1):
        if exchange.outcome is None and (exchange.state, one) not in TABLE:
            with pytest.raises(ValueError, match="cannot meet"):
                exchange.meet(one, float(at))
            continue
        exchange.meet(one, float(at))
        seen.append(exchange.outcome)
    assert all(before in {None, after} for before, after in pairwise(seen))
    assert exchange.ended is None or exchange.ended >= exchange.sent


def test_what_was_due_after_its_connection_had_gone_ends_when_it_was_due() -> None:
    exchange = Exchange(Group.IDLE, 2.0, fresh=False, state=State.OPEN)
    exchange.meet(Happening.FIN, 1.0)
    assert (exchange.outcome, exchange.ended) == (Outcome.REFUSED, 2.0)


@pytest.mark.parametrize(
    ("group", "fresh", "sent", "ended", "expected"),
    [
        (Group.BEFORE, False, -0.5, -0.4, Group.BEFORE),
        (Group.BEFORE, False, -0.5, 0.1, Group.IN_FLIGHT),
        (Group.BEFORE, True, -0.5, None, Group.IN_FLIGHT),
        (Group.BEFORE, True, 0.001, 0.002, Group.NEW),
        (Group.BEFORE, False, 0.001, 0.002, Group.IDLE),
        (Group.SLOW, True, -0.1, 1.0, Group.SLOW),
        (Group.SLOW, True, -0.1, -0.05, Group.BEFORE),
        (Group.SLOW, True, 0.1, 0.2, Group.NEW),
        (Group.SLOW, True, -0.004, 0.001, Group.NEW),
        (Group.SLOW, True, -0.006, 0.001, Group.SLOW),
        (Group.BEFORE, False, -0.004, 0.001, Group.IDLE),
        (Group.BEFORE, False, -0.006, 0.001, Group.IN_FLIGHT),
        (Group.NEW, True, -0.001, 0.002, Group.NEW),
        (Group.NEW, True, -0.1, 0.002, Group.IN_FLIGHT),
        (Group.HALF_SENT, True, 0.001, 0.002, Group.NEW),
        (Group.IDLE, True, 0.03, 0.04, Group.IDLE),
        (Group.NEW, True, 0.3, None, Group.NEW),
        (Group.IDLE, False, 0.03, 0.04, Group.IDLE),
        (Group.IDLE, True, -2.0, 0.04, Group.IDLE),
        (Group.HALF_SENT, True, -0.1, 0.04, Group.HALF_SENT),
    ],
)
def test_the_group_follows_from_the_times(
    group: Group, *, fresh: bool, sent: float, ended: float | None, expected: Group
) -> None:
    assert regroup(group, fresh=fresh, sent=sent, ended=ended) is expected


def test_traffic_counts_and_knows_what_was_lost() -> None:
    requests = tuple(Request(Group.NEW, 0.0, 1.0, outcome) for outcome in Outcome)
    traffic = Traffic("http://127.0.0.1/", (*requests, Request(Group.IDLE, 0.0, 1.0, Outcome.OK)))
    assert traffic.count()[Outcome.OK] == 2
    assert traffic.count(Group.NEW) == dict.fromkeys(Outcome, 1)
    lost = {one.outcome for one in traffic.lost}
    assert lost == {*Outcome} - {Outcome.OK, Outcome.OK_CLOSE, Outcome.REFUSED}
