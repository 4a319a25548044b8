"""Our init passes every scenario, locally and in a real Docker container; and every scenario can fail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from endwell.engine.local import LocalEngine
from tests.scenarios.field import FIELD
from tests.scenarios.inits import INITS, Init
from tests.scenarios.run import cannot_run, play
from tests.scenarios.table import SCENARIOS

if TYPE_CHECKING:
    from endwell.engine.docker import DockerEngine
    from tests.scenarios.model import Scenario

OURS = next(init for init in INITS if init.ours)
# A shell as PID 1: it forwards nothing, and is told of nothing.
SHELL = Init("a shell", "sh", ("-c", '"$@"; exit $?'))
NAMED = {init.name: init for init in (*INITS, SHELL)}

# Who fails what, and the reason that must be given: a scenario that nobody can fail proves nothing.
FAILS = (
    ("exit_code", "a shell", "killed by the engine"),
    ("killed_143", "none", "killed by the engine"),
    ("shell_form", "tini", "no 'flushed'"),
    ("shell_form", "tini -g", "no 'flushed'"),
    ("trap_fg_sleep", "tini", "no 'flushed'"),
    ("ordered_drain", "dumb-init", "worker told too early"),
    ("own_session", "tini -g", "no 'flushed'"),
    ("late_flush", "dumb-init", "no 'flushed'"),
    ("main_quits_first", "catatonit", "no 'flushed'"),
    ("daemonized_main", "tini", "no 'flushed'"),
    ("ignores_term", "dumb-init", "killed by the engine"),
    ("stopped_worker", "catatonit -g", "no 'flushed'"),
    ("stopped_main", "tini", "killed by the engine"),
    ("realtime_signal", "a shell", "'main told 34'"),
    ("group_after_rt", "a shell", "'main told 10'"),
    ("clean_mask", "catatonit", "no 'blocked 0000000000000000'"),
    ("keeps_ignored", "dumb-init", "no 'ignored 0000000000000003'"),
    ("stdin_closed", "tini", "tcsetpgrp failed"),
    ("spare_fd", "dumb-init", "no 'released'"),
    ("cwd_released", "tini", "no 'init is in /'"),
    ("no_such_command", "dumb-init", "rc 2"),
    ("not_executable", "catatonit", "rc 1"),
    ("dash_args", "tini", "invalid option"),
    ("reaps_orphans", "none", "no '0 zombies'"),
    ("orphans_not_pid1", "tini", "no '0 zombies'"),
    ("init_killed", "dumb-init", "no 'nobody is left'"),
    ("kill_from_inside", "none", "did not end"),
    ("root_child", "tini", "Operation not permitted"),
    ("ctrl_z", "catatonit", "instead of b'Stopped'"),
    ("signal_at_fork", "dumb-init", "of 100"),
    ("early_signal", "none", "lost 100 of 100"),
    ("sigchld_ignored", "tini", "killed by the engine"),
    ("orphans_10000", "none", "did not end"),
    ("signal_before_exec", "dumb-init -c", "of 20"),
    ("stdio_closed", "tini", "rc 1"),
    ("term_ignored", "catatonit", "killed by the engine"),
    ("keeps_mask", "catatonit", "no 'blocked 0000008000000800'"),
    ("root_child_stop", "dumb-init", "killed by the engine"),
    ("stubborn_worker", "a shell", "killed by the engine"),
    ("stopped_when_told", "tini", "killed by the engine"),
    ("forks_when_told", "tini -g", "no 'flushed'"),
    ("hundred_sessions", "dumb-init", "no 'flushed 0'"),
)


def _require(scenario: Scenario, init: Init, engine: str) -> None:
    if reason := cannot_run(scenario, engine):
        pytest.skip(reason)
    if init.program and init.path is None:
        message = f"{init.name} is not installed"
        if init.ours or os.environ.get("CI"):
            pytest.fail(f"{message}; build or install it")
        pytest.skip(message)


@pytest.mark.parametrize("name", SCENARIOS)
def test_passes(name: str) -> None:
    _require(SCENARIOS[name], OURS, "local")
    verdict = play(SCENARIOS[name], OURS, LocalEngine())
    assert verdict.passed, verdict.note


@pytest.mark.docker
@pytest.mark.parametrize("name", [name for name in SCENARIOS if not cannot_run(SCENARIOS[name], "docker")])
def test_passes_in_docker(name: str, docker: DockerEngine) -> None:
    _require(SCENARIOS[name], OURS, "docker")
    verdict = play(SCENARIOS[name], OURS, docker)
    assert verdict.passed, verdict.note


@pytest.mark.parametrize(("name", "init", "reason"), FAILS)
def test_can_fail(name: str, init: str, reason: str) -> None:
    _require(SCENARIOS[name], NAMED[init], "local")
    verdict = play(SCENARIOS[name], NAMED[init], LocalEngine(), grace=1.0, limit=3.0)
    assert not verdict.passed
    assert reason in verdict.note


def test_every_scenario_can_fail() -> None:
    assert {name for name, _, _ in FAILS} == set(SCENARIOS)


def test_the_field_is_31() -> None:
    assert len({scenario.name for scenario in FIELD}) == 31
