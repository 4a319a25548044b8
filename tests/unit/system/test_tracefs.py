"""The private tracing instance: it records, it leaves nothing behind, it takes away what others left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endwell.system import tracefs
from endwell.system.tracefs import PREFIX, Tracing, kilobytes_each

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")]
EVENTS = {"sched/sched_process_exec": "", "no/such_event": "", "no/such_filter": "pid == 1"}


@pytest.fixture
def instances() -> Iterator[int]:
    root = tracefs._mount()
    directory = os.open("instances", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
    os.close(root)
    yield directory
    os.close(directory)


def listed(instances: int) -> list[str]:
    return os.listdir(instances)


def ours(instances: int) -> set[str]:
    return {name for name in listed(instances) if name.startswith(f"{PREFIX}-{os.getpid()}-")}


def test_it_records_from_start_to_stop_and_is_gone_after(instances: int) -> None:
    before = {one.name for one in Path("/proc/self/fd").iterdir()}
    with Tracing.make(EVENTS, 1024) as tracing:
        assert ours(instances) == {tracing.name}
        assert tracing.missing == ("no/such_event", "no/such_filter")
        subprocess.run(["/bin/true", "before"], check=True)
        tracing.start()
        done = subprocess.run(["/bin/sh", "-c", "echo $$"], check=True, capture_output=True)
        tracing.stop()
        subprocess.run(["/bin/true", "after"], check=True)
        text = tracing.read()
        assert f"filename=/bin/sh pid={int(done.stdout)} ".encode() in text
        assert tracing.read() == b""
        assert tracing.lost() == 0
    tracing.close()
    assert not ours(instances)
    assert {one.name for one in Path("/proc/self/fd").iterdir()} == before


def test_waiting_ends_with_an_event_or_when_woken() -> None:
    wake = os.eventfd(0)
    try:
        with Tracing.make({"sched/sched_process_exec": ""}, 64) as tracing:
            os.eventfd_write(wake, 1)
            assert tracing.wait(None, wake)
            os.eventfd_read(wake)
            tracing.start()
            subprocess.run(["/bin/true"], check=True)
            assert not tracing.wait(None, wake)
            assert tracing.read()
    finally:
        os.close(wake)


def test_what_does_not_fit_is_counted() -> None:
    with Tracing.make({"syscalls/sys_exit_read": "", "syscalls/sys_exit_openat": ""}, 4) as tracing:
        tracing.start()
        subprocess.run([sys.executable, "-c", "for i in range(2000): open('/dev/null').close()"], check=True)
        tracing.stop()
        assert tracing.lost() > 1000


@pytest.mark.parametrize(("processors", "each"), [(1, 65536), (2, 32768), (64, 1024), (200, 1024)])
def test_the_buffers_have_a_bound(processors: int, each: int) -> None:
    assert kilobytes_each(processors) == each


def test_room_is_what_is_left() -> None:
    with Tracing.make({"syscalls/sys_exit_openat": ""}, 1024) as tracing:
        assert 0.9 * 1024 * 1024 < tracing.room() <= 1024 * 1024
        tracing.start()
        subprocess.run([sys.executable, "-c", "for i in range(2000): open('/dev/null').close()"], check=True)
        tracing.stop()
        assert tracing.room() < 1024 * 1024 - 2000 * 20


def test_a_child_that_holds_the_descriptors_is_waited_for(instances: int) -> None:
    tracing = Tracing.make(EVENTS, 64)
    inner, outer = os.pipe()
    child = os.fork()
    if not child:
        os.close(outer)
        os.read(inner, 1)
        os._exit(0)
    os.close(inner)
    later = threading.Timer(0.1, os.close, (outer,))
    later.start()
    tracing.close()
    later.join()
    os.waitpid(child, 0)
    assert not ours(instances)


@pytest.mark.parametrize("step", ["_prepare", "_start_time"])
def test_a_failure_half_way_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, instances: int, step: str
) -> None:
    before = {one.name for one in Path("/proc/self/fd").iterdir()}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tracefs, step, fail)
    with pytest.raises(OSError, match="space"):
        Tracing.make(EVENTS)
    assert not ours(instances)
    assert {one.name for one in Path("/proc/self/fd").iterdir()} == before


def test_the_instance_of_one_who_was_killed_is_removed_and_no_other(instances: int) -> None:
    code = (
        "import os, sys; from endwell.system.tracefs import Tracing\n"
        "t = Tracing.make({}, 4); print(t.name, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        name = other.stdout.readline().strip()
        with Tracing.make({}, 4):
            assert name in listed(instances)
        other.kill()
        other.wait()
        assert name in listed(instances)
        with Tracing.make({}, 4):
            assert name not in listed(instances)


def test_a_number_that_somebody_else_has_now_does_not_protect(instances: int) -> None:
    os.mkdir(f"{PREFIX}-1-999999999-0badcafe", dir_fd=instances)
    foreign = f"not-{PREFIX}-1-999999999-0badcafe"
    os.mkdir(foreign, dir_fd=instances)
    try:
        with Tracing.make({}, 4):
            names = listed(instances)
        assert f"{PREFIX}-1-999999999-0badcafe" not in names
        assert foreign in names
    finally:
        os.rmdir(foreign, dir_fd=instances)


def test_without_privileges_it_is_an_os_error() -> None:
    code = (
        "import os; from endwell.system.tracefs import Tracing\n"
        "os.setuid(65534)\n"
        "try: Tracing.make({})\n"
        "except OSError as error: print(error.errno)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() in {"1", "13"}
