"""endwell.model.stopping: what is left of the grace period, and who is told what, when."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, strategies as st

from endwell.model.signals import CONT, KILL, QUIT, TERM
from endwell.model.stopping import Audience, Deadline, StopPlan

instants = st.floats(0, 1e6)
lengths = st.floats(0, 3600)
maybe = st.none() | lengths
hooks = st.none() | st.just("hook")
plans = st.builds(
    StopPlan,
    grace=maybe,
    drain=lengths,
    main_timeout=maybe,
    before_stop=hooks,
    after_exit=hooks,
    hook_timeout=maybe,
)


class TestDeadline:
    """What is left, shared out."""

    @given(instants, lengths, lengths)
    def test_left_shrinks_with_time_and_never_below_zero(
        self, now: float, seconds: float, later: float
    ) -> None:
        deadline = Deadline.after(now, seconds)
        assert deadline.left(now) == pytest.approx(seconds, abs=1e-6)
        assert 0 <= deadline.left(now + later) <= deadline.left(now)
        assert deadline.passed(now + later) == (deadline.left(now + later) == 0)

    @given(instants, lengths)
    def test_never_comes(self, now: float, seconds: float) -> None:
        never = Deadline.after(now, None)
        assert never == Deadline()
        assert never.left(now) == math.inf
        assert not never.passed(1e308)
        assert never.cut(seconds) == never.share(now, 0.5) == never
        assert never.within(now, seconds) == Deadline.after(now, seconds)
        assert never.within(now, None) == never

    @given(instants, lengths, st.floats(0, 1))
    def test_a_share_is_a_part_of_what_is_left(self, now: float, seconds: float, part: float) -> None:
        deadline = Deadline.after(now, seconds)
        share = deadline.share(now, part)
        assert share <= deadline
        assert share.left(now) == pytest.approx(deadline.left(now) * part, abs=1e-6)

    @given(instants, lengths, lengths)
    def test_a_share_of_nothing_is_nothing(self, now: float, seconds: float, late: float) -> None:
        assert Deadline.after(now, seconds).share(now + seconds + late, 1).left(now + seconds + late) == 0

    @given(instants, lengths, lengths)
    def test_a_cut_leaves_time_for_who_comes_after(self, now: float, seconds: float, kept: float) -> None:
        deadline = Deadline.after(now, seconds)
        assert deadline.cut(kept) <= deadline
        assert deadline.cut(kept).left(now) == pytest.approx(max(0, seconds - kept), abs=1e-6)

    @given(instants, lengths, maybe)
    def test_within_is_the_earlier_one(self, now: float, seconds: float, own: float | None) -> None:
        deadline = Deadline.after(now, seconds)
        assert deadline.within(now, own) == min(deadline, Deadline.after(now, own))

    def test_refuses_nonsense(self) -> None:
        with pytest.raises(ValueError, match="nan"):
            Deadline(math.nan)
        with pytest.raises(ValueError, match="from 0 to 1"):
            Deadline(1).share(0, 1.5)
        with pytest.raises(ValueError, match="not stretched"):
            Deadline(1).cut(-1)


class TestStopPlan:
    """The phases and their instants."""

    def test_docker_stop(self) -> None:
        plan = StopPlan(grace=10, drain=2, signal=QUIT, after_exit="upload")
        drain, main, rest, kill, after = plan.phases()
        assert (drain.begins, drain.ends, drain.to) == (0, 2, Audience.NOBODY)
        assert (main.begins, main.lasts) == (2, (7 - 2) * (2 / 3))
        assert (main.to, main.signals) == (Audience.MAIN, (QUIT,))
        assert (rest.ends, rest.to, rest.signals) == (7, Audience.REST, (TERM, CONT))
        assert (kill.begins, kill.ends, kill.signals) == (7, 7.25, (KILL,))
        assert (after.begins, after.ends, after.hook) == (7.25, 9.75, "upload")
        assert plan.deadline(100) == Deadline(109.75)

    def test_without_grace_only_the_processes_end_it(self) -> None:
        drain, main, rest, kill, after = StopPlan(drain=3, after_exit="upload").phases()
        assert (drain.ends, drain.lasts) == (3, 3)
        assert {main.ends, rest.ends, kill.ends, after.ends} == {math.inf}
        assert {rest.lasts, kill.lasts, after.lasts} == {0}
        assert StopPlan(drain=3).deadline(0) == Deadline()

    def test_main_timeout_counts_from_the_end_of_the_drain(self) -> None:
        assert StopPlan(grace=20, drain=3, main_timeout=4).told == 7
        assert StopPlan(drain=3, main_timeout=4).told == 7

    def test_hook_may_take_a_quarter_of_the_grace(self) -> None:
        assert StopPlan(grace=20).hook_time == 5
        assert StopPlan().hook_time == 10
        assert StopPlan(grace=20, hook_timeout=1).hook_time == 1
        assert StopPlan(grace=20, before_stop="leave the load balancer").drained == 5

    @given(plans)
    def test_phases_follow_one_another(self, plan: StopPlan) -> None:
        phases = plan.phases()
        assert [phase.name for phase in phases] == ["drain", "main", "rest", "kill", "after-exit"]
        assert phases[0].begins == 0
        assert all(before.ends == after.begins for before, after in pairwise(phases))
        assert all(phase.begins <= phase.ends and phase.lasts >= 0 for phase in phases)

    @given(plans)
    def test_everything_is_over_within_the_grace(self, plan: StopPlan) -> None:
        assume(plan.grace is not None)
        grace = plan.grace or 0.0
        last = plan.phases()[-1]
        assert last.ends <= plan.leave == grace - plan.margin / 2 <= grace
        assert plan.margin == pytest.approx(min(grace / 10, 0.5))

    @given(lengths, st.floats(0.5, 3600), lengths)
    def test_the_hook_after_the_end_has_its_time_when_the_grace_has_room(
        self, hook: float, more: float, drain: float
    ) -> None:
        plan = StopPlan(grace=hook + more, drain=drain, after_exit="hook", hook_timeout=hook)
        assert plan.phases()[-1].lasts == pytest.approx(hook, abs=1e-6)

    @pytest.mark.parametrize(
        ("plan", "misfit"),
        [
            (StopPlan(grace=10, drain=2, main_timeout=3, after_exit="hook", hook_timeout=4), None),
            (StopPlan(grace=10, drain=9.5), "drain"),
            (StopPlan(grace=10, drain=2, main_timeout=7.5), "main_timeout"),
            (StopPlan(grace=10, drain=2, main_timeout=3, after_exit="hook", hook_timeout=5), "hook_timeout"),
            (StopPlan(grace=10, drain=2, main_timeout=3, before_stop="hook", hook_timeout=5), None),
            (StopPlan(drain=1e6, main_timeout=1e6, after_exit="hook"), None),
            (StopPlan(grace=0), None),
        ],
    )
    def test_what_does_not_fit_into_the_grace(self, plan: StopPlan, misfit: str | None) -> None:
        assert plan.misfit == misfit

    @given(plans)
    def test_what_fits_is_not_cut_short(self, plan: StopPlan) -> None:
        assume(plan.misfit is None and plan.before_stop is None)
        assert plan.drained == plan.drain
        if plan.main_timeout is not None:
            assert plan.told == pytest.approx(plan.drain + plan.main_timeout)
        if plan.after_exit and plan.grace is not None:
            assert plan.phases()[-1].lasts == pytest.approx(plan.hook_time, abs=1e-6)

    @given(plans, lengths)
    def test_more_drain_never_gives_anybody_else_more(self, plan: StopPlan, more: float) -> None:
        longer = StopPlan(
            grace=plan.grace,
            drain=plan.drain + more,
            main_timeout=plan.main_timeout,
            before_stop=plan.before_stop,
            after_exit=plan.after_exit,
            hook_timeout=plan.hook_timeout,
        )
        assert longer.drained >= plan.drained
        assert longer.kill == plan.kill
        assert longer.phases()[2].lasts <= plan.phases()[2].lasts + 1e-6

    @pytest.mark.parametrize("name", ["grace", "drain", "main_timeout", "hook_timeout"])
    @pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
    def test_refuses_what_is_no_length_of_time(self, name: str, value: float) -> None:
        with pytest.raises(ValueError, match=name):
            StopPlan(**{name: value})  # type: ignore[arg-type]
