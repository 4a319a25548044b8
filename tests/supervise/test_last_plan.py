"""What a supervisor leaves behind: whole at every instant, and the same when it is read."""

from __future__ import annotations

import os
import signal
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.event import Drained, KillingTime, Start, Stop
from endwell.machine.life import Life
from endwell.machine.replica import Phase
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency, Means, Readiness
from endwell.model.restart import Backoff, Restart, RestartPolicy, StartPolicy
from endwell.model.service import Hook, Hooks, Log, Prefix, Rotation, ServiceSpec
from endwell.model.signals import Signal
from endwell.records import replace
from endwell.supervise import last_plan
from endwell.supervise.account import Account
from endwell.supervise.last_plan import Inheritance, LastPlan, Row
from endwell.supervise.last_plan_values import from_plain, to_plain
from endwell.supervise.takeover import Takeover, take_over
from endwell.supervise.takeover_lives import take_up
from endwell.supervise.takeover_output import LastWords
from endwell.system.loop import Loop
from endwell.system.program import Program
from endwell.system.spawn import spawn
from tests.supervise.upping import Up, wait_for_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = ServiceSpec(
    name="web",
    index=1,
    replicas=2,
    group="front",
    command=("nginx", "-g", "daemon off; # ü"),
    autostart=False,
    start=StartPolicy(2.5, 3, Backoff(1.0, 2.0)),
    restart=RestartPolicy(Restart.ON_FAILURE, 5, frozenset({0, 2}), Backoff(jitter=0.5)),
    after=(Dependency("db", Condition.READY), Dependency("job", Condition.COMPLETED)),
    priority=7,
    group_priority=3,
    ready=Readiness(Means.TCP, "localhost:80", 20.0),
    stop_signal=Signal(3),
    stop_timeout=12.5,
    drain=3.0,
    stop_group=True,
    environment=MappingProxyType({"A": "b\nc", "PATH": "/bin"}),
    user="nobody",
    directory="/srv",
    umask=0o27,
    limits=MappingProxyType({"nofile": (1024, 4096)}),
    stdout=Log("/var/log/web", Prefix.JSON, Rotation(size=1000)),
    stderr=Log(discard=True),
    hooks=Hooks(before_stop=(Hook(("drain", "now"), 3.0),), after_stop=(Hook(("rm", "x")),)),
)


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = last_plan.make()
    yield descriptor
    os.close(descriptor)


def project(*names: str) -> Project:
    return Project(services=tuple(ServiceSpec(name=name, command=(name,)) for name in names))


def marks(of: Project) -> dict[tuple[str, int], int]:
    return {spec.key: 1000 + place for place, spec in enumerate(of.services)}


def test_a_project_is_read_as_it_was(memory: int) -> None:
    whole = Project(
        services=(FULL, replace(FULL, index=0)), grace=float("inf"), exit_when=ExitWhen(When.ANY_FAILS)
    )
    LastPlan(memory, "/dev/stderr").publish(whole, marks(whole))
    found = last_plan.read(memory)
    assert found is not None
    assert found.project == whole
    assert found.marks == marks(whole)
    assert found.report == "/dev/stderr"
    assert found.rows == {("web", 1): Row(), ("web", 0): Row()}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: (
            st.tuples(inner, inner)
            | st.frozensets(st.text())
            | st.dictionaries(st.text(), inner).map(MappingProxyType)
        ),
    )
)
def test_plain_values_are_the_same_again(value: object) -> None:
    assert from_plain(to_plain(value)) == value


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="no value of the model"):
        to_plain(object())


def test_what_was_noted_is_found(memory: int) -> None:
    both = project("a", "b")
    plan = LastPlan(memory)
    plan.publish(both, marks(both))
    plan.spawning(("a", 0))
    assert _rows(memory)["a", 0].unknown
    plan.spawned(("a", 0), 12)
    plan.asked(("a", 0), 1.5)
    plan.telling(("a", 0), 2.4, 12.5)
    assert _rows(memory)["a", 0] == Row(12, 1.5, kill_at=12.5, telling=2.4)
    plan.told(("a", 0), 2.5)
    plan.killed(("a", 0), 4.5)
    plan.telling_tree(("b", 0))
    assert _telling(memory) == (("b", 0), (), 0)
    plan.telling_one(31)
    assert _telling(memory) == (("b", 0), (), 31)
    plan.told_one(31)
    assert _telling(memory) == (("b", 0), (31,), 0)
    plan.telling_one(32)
    plan.telling_one(33)  # that one had gone
    plan.told_one(33)
    plan.telling_one(34)
    assert _telling(memory) == (("b", 0), (31, 33), 34)
    plan.tree_told(("b", 0), 0.0)
    assert _telling(memory) == (None, (), 0)
    plan.telling_tree(("a", 0))
    assert _telling(memory) == (("a", 0), (), 0), "nobody of the tree before"
    plan.tree_told(("a", 0), 3.5)
    assert _rows(memory) == {("a", 0): Row(12, 1.5, 2.5, 12.5, 3.5, 4.5, 2.4), ("b", 0): Row()}
    plan.spawning(("a", 0))
    assert _rows(memory)["a", 0] == Row(-1), "nothing of the life before"


@given(
    st.lists(st.tuples(st.sets(st.sampled_from("abcdef"), min_size=1), st.sampled_from("abcdef")), max_size=8)
)
def test_notes_outlive_a_new_plan(steps: list[tuple[set[str], str]]) -> None:
    memory = last_plan.make()
    try:
        plan = LastPlan(memory)
        noted: dict[str, int] = {}
        for pid, (names, spawned) in enumerate(steps, 1):
            now = project(*sorted(names))
            plan.publish(now, marks(now))
            noted = {name: noted.get(name, 0) for name in names}
            plan.spawned((spawned, 0), pid)
            if spawned in noted:
                noted[spawned] = pid
            assert {key[0]: row.pid for key, row in _rows(memory).items()} == noted
    finally:
        os.close(memory)


def test_until_the_last_store_the_old_plan_is_found(memory: int) -> None:
    old, new = project("old"), project("new", "newer")
    plan = LastPlan(memory)
    plan.publish(old, marks(old))
    before = os.pread(memory, 8, 0)
    plan.publish(new, marks(new))
    # As if it had been killed just before the last store: all others have been made.
    os.pwrite(memory, before, 0)
    found = last_plan.read(memory)
    assert found is not None
    assert found.project == old


def test_the_memory_does_not_grow_with_each_reload(memory: int) -> None:
    one = project("a", "b")
    plan = LastPlan(memory)
    for _ in range(3):
        plan.publish(one, marks(one))
    size = os.fstat(memory).st_size
    for _ in range(50):
        plan.publish(one, marks(one))
    assert os.fstat(memory).st_size == size


def test_nobody_to_read_it_is_no_error() -> None:
    plan = LastPlan()
    plan.publish(project("a"), {})
    plan.spawned(("a", 0), 1)


def test_another_file_of_that_number_is_not_read() -> None:
    other = os.memfd_create("other")
    said: list[str] = []
    try:
        assert not last_plan.is_ours(other)
        take_over(other, os.getpid(), said.append)
    finally:
        os.close(other)
    assert said == [
        "the supervisor has left with nobody knows what and has left no plan: everybody is told now"
    ]


def test_a_supervisor_that_did_not_come_that_far_has_left_no_plan(memory: int) -> None:
    assert last_plan.read(memory) is None


def test_of_more_than_there_is_room_for_the_first_are_noted(memory: int) -> None:
    plan = LastPlan(memory)
    plan.publish(project("a"), marks(project("a")))
    plan.telling_tree(("a", 0))
    for pid in range(1, 1001):
        plan.telling_one(pid)
        plan.told_one(pid)
    telling, told, doubtful = _telling(memory)
    assert (telling, doubtful) == (("a", 0), 0)
    assert told == tuple(range(1, len(told) + 1))
    assert len(told) > 500


def _telling(memory: int) -> tuple[tuple[str, int] | None, tuple[int, ...], int]:
    found = last_plan.read(memory)
    assert found is not None
    return found.telling, found.told, found.doubtful


def _rows(memory: int) -> dict[tuple[str, int], Row]:
    found = last_plan.read(memory)
    assert found is not None
    return dict(found.rows)


# ------------------------------------------------------------------------------------------------ taken up

SPEC = ServiceSpec(name="web", command=("web",), stop_timeout=10.0, drain=4.0)


@pytest.mark.parametrize(
    ("row", "main", "left", "phase"),
    [
        (Row(), 0, False, Phase.IDLE),
        (Row(), 0, True, Phase.IDLE),
        (Row(7), 7, False, Phase.RUNNING),
        (Row(7), 0, True, Phase.IDLE),
        (Row(7, asked=95.0), 7, False, Phase.DRAINING),
        (Row(7, asked=95.0, telling=96.0), 7, False, Phase.TOLD),
        (Row(7, 95.0, 96.0, 106.0), 7, True, Phase.TOLD),
        (Row(7, 95.0, 96.0, 106.0, killed=99.0), 7, False, Phase.KILLED),
        (Row(0, 95.0, 96.0, 106.0, 97.0), 0, True, Phase.SWEEPING),
        (Row(0, 95.0, 96.0, 106.0), 0, True, Phase.IDLE),
        (Row(0, 95.0, 96.0, 106.0), 0, False, Phase.IDLE),
    ],
)
def test_a_life_goes_on_where_it_was(row: Row, main: int, left: bool, phase: Phase) -> None:  # noqa: FBT001
    life = Life(SPEC)
    take_up(life, row, main, 100.0, left=left)
    assert life.phase is phase
    assert life.pid == main
    assert life.left is (left and not main)
    assert life.clear is (not main and not left)


def test_its_time_goes_on_too() -> None:
    told, draining = Life(SPEC), Life(SPEC)
    take_up(told, Row(7, 95.0, 96.0, 106.0), 7, 100.0, left=False)
    assert told.timers == {KillingTime: 106.0}
    take_up(draining, Row(7, 98.0), 7, 100.0, left=False)
    assert draining.timers == {Drained: 102.0}


def test_nobody_is_told_twice_and_nobody_is_started() -> None:
    life = Life(SPEC)
    take_up(life, Row(7, 95.0, 96.0, 106.0), 7, 100.0, left=False)
    effects = [*life.handle(Stop(), 100.0), *life.handle(Start(), 100.0)]
    assert "Send" not in [type(one).__name__ for one in effects]


# --------------------------------------------------------------------------------------- not known to be told

MARK = 123456789


def taken_over(
    tmp_path: Path, row: Row, *, tree: str = "", sent: tuple[int, ...] = (), left: float = 10.0, **spec: float
) -> list[str]:
    """Take over one process, which says each TERM and leaves at the first; returns what it has said.

    We are its parent, as the init would be, and a sibling is nobody here.
    """
    script = "trap 'echo told; exit 0' TERM; exec 8<>never; echo up; read line <&8"
    os.mkfifo(tmp_path / "never")
    reading, writing = os.pipe()
    process = spawn(
        Program(
            command=("sh", "-c", script),
            environment=dict(os.environ),
            directory=str(tmp_path),
            stdout=writing,
            soft={"locks": MARK},
        )
    )
    os.close(writing)
    with os.fdopen(reading) as said:
        assert said.readline() == "up\n"
        wait_for_state(process.pid, "S")
        service = ServiceSpec(name="web", command=("web",), **spec)  # type: ignore[arg-type]
        own = row._replace(pid=process.pid if row.pid else 0)
        telling = service.key if tree else None
        for number in sent:
            process.send(number)
            Up.wait_until_stopped(process.pid)
        inheritance = Inheritance(
            Project(services=(service,)),
            {service.key: MARK},
            {service.key: own},
            "",
            telling,
            (process.pid,) if tree == "told" else (),
            process.pid if tree == "doubtful" else 0,
        )
        loop = Loop()
        account = Account(left)
        words = LastWords(loop, inheritance.project.services, print)
        takeover = Takeover(inheritance, os.getpid(), left, loop, account, words=words)
        takeover.begin("a test")
        takeover.run()
        loop.close()
        os.waitpid(process.pid, 0)
        process.close()
        return said.read().split()


def test_who_may_have_been_told_is_told_after_half_of_his_time(tmp_path: Path) -> None:
    assert taken_over(tmp_path, Row(1, asked=1.0, telling=2.0), stop_timeout=1.0) == ["told"]


def test_likewise_one_of_those_left_behind(tmp_path: Path) -> None:
    assert taken_over(tmp_path, Row(), tree="doubtful", stop_timeout=1.0) == ["told"]


def test_one_of_those_left_behind_who_was_told_is_not(tmp_path: Path) -> None:
    assert taken_over(tmp_path, Row(), tree="told", stop_timeout=0.3) == []


def test_half_of_his_time_is_that_of_what_the_grace_leaves(tmp_path: Path) -> None:
    row = Row(1, asked=1.0, telling=2.0)
    assert taken_over(tmp_path, row, left=2.0, stop_timeout=60.0) == ["told"]


@pytest.mark.parametrize("stop_group", [False, True])
@pytest.mark.parametrize(
    ("row", "sent"),
    [
        (Row(1), (signal.SIGSTOP,)),
        (Row(1, asked=1.0, telling=2.0, told=2.0), (signal.SIGSTOP, signal.SIGTERM)),
    ],
    ids=["told by us", "told before"],
)
def test_who_has_stopped_goes_on_to_do_what_he_was_told(
    tmp_path: Path,
    row: Row,
    sent: tuple[int, ...],
    stop_group: bool,  # noqa: FBT001
) -> None:
    assert taken_over(tmp_path, row, sent=sent, stop_timeout=60.0, stop_group=stop_group) == ["told"]


def test_who_was_told_is_not_and_is_killed_in_his_time(tmp_path: Path) -> None:
    assert taken_over(tmp_path, Row(1, asked=1.0, telling=2.0, told=3.0), stop_timeout=0.3) == []
