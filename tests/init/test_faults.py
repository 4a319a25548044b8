"""Every system call of the init is made to fail, always or once, and PID 1 does not die of it.

Before the command runs, the init may give up, loudly; or it works anyway. Afterwards nothing but the end of
its command (or of the grace period) ends it, and then it does end, with the command's status. The calls are
read from csrc/sys.h, so that a new one is tested as soon as it is there.
"""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING, Final

import pytest

from endwell.records import dataclass
from tests.init.builds import SOURCE, Variant, build
from tests.init.lives import COMMAND, Life

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

CALLS: Final = tuple(dict.fromkeys(re.findall(r'SYS_FAULT\("(\w+)"\)', (SOURCE / "sys.h").read_text())))
ERRORS: Final = ("EPERM", "ENOSYS", "EAGAIN", "ENOMEM")
INTERRUPTED: Final = frozenset(
    {"read", "write", "openat", "ppoll", "wait4", "rt_sigtimedwait", "fcntl", "close"}
)
"""Calls that may end with EINTR; only once each, for a call that always does is no call that can be made."""
TIMES: Final = (None, 1, 2, 3)
"""Which call fails: every one, or only the first, second, third."""
GRACE: Final = "200ms"
NEARLY_THE_GRACE: Final = 0.1
"""Seconds after which SIGKILL may come: the grace without the hook's share and our own margin."""
TWICE_THE_GRACE: Final = 0.4
PATIENCE: Final = 5.0
"""Seconds after which a life counts as a hang; all of them are over in a fraction of one."""

MAIN: Final = "trap 'echo bye 7; exit 7' TERM; echo ready; read word; echo bye 3; exit 3"
WORKER: Final = ("/bin/sh", "-c", f"exec 3<&0; setsid cat <&3 >/dev/null 2>&1 & {MAIN}")
"""Like COMMAND, with a worker in a session of its own that ends when told to, or with the input."""
HEARS_40: Final = ("/bin/sh", "-c", MAIN.replace("TERM", "40"))
DEAF: Final = (
    "/bin/sh",
    "-c",
    f"""exec 3<&0; setsid sh -c 'trap "" TERM; exec cat' <&3 >/dev/null & {MAIN}""",
)
"""Its worker ends with the input only, or by SIGKILL."""


@dataclass(frozen=True)
class Scene:
    """A kind of life: how the init is called, what it runs, and whether it is told to stop."""

    name: str
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = COMMAND
    stopped: bool = True
    pid_1: bool = True
    argv0: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    gives_up: tuple[int, ...] = (125, 126, 127)
    thorough: bool = True
    queued: int = 0
    terminal: bool = False
    errors: bool = True


REPORTED = ("--grace", GRACE, "--report", "{report}")
HOOKS = ("--before-stop", "true", "--after-exit", "exit 0")
SCENES: Final = (
    Scene("command ends by itself", ("--grace", GRACE), stopped=False),
    Scene("stopped with a worker", (*REPORTED, *HOOKS), WORKER),
    Scene("stopped with a worker and an heir", (*REPORTED, *HOOKS, "--after-main", "exit 3"), WORKER),
    Scene("without a standard error", (*REPORTED, *HOOKS, "-v"), WORKER, errors=False),
    Scene("stopped with a deaf worker", (*REPORTED, "-v"), DEAF, thorough=False),
    Scene("group, rewritten", ("--grace", GRACE, "--to", "group", "--rewrite", "USR1:TERM", "-v"), WORKER),
    Scene(
        "subreaper of a tree",
        ("--grace", GRACE, "--to", "tree", "--wait", "tree", "--parent-death", "TERM"),
        WORKER,
        pid_1=False,
    ),
    Scene("on a terminal", ("--grace", GRACE), terminal=True),
    Scene("on a terminal, not PID 1", ("--grace", GRACE), terminal=True, pid_1=False),
    Scene("a queued signal", (), HEARS_40, queued=40),
    Scene("as tini", ("-s", "-g"), argv0="tini", pid_1=False, gives_up=(1, 126, 127)),
    Scene("as dumb-init", argv0="dumb-init", gives_up=(1, 2)),
    Scene("as catatonit", argv0="catatonit", gives_up=(1,)),
    Scene(
        "as tini with phases", argv0="tini", environment=(("ENDWELL_GRACE", GRACE),), gives_up=(1, 126, 127)
    ),
)


def faults(call: str, *, thorough: bool) -> Iterator[str]:
    """What to set ENDWELL_FAULTS to: how this call may fail; for a long life only the main ways."""
    for error in ERRORS if thorough else ERRORS[:1]:
        for which in TIMES if thorough else TIMES[:2]:
            yield f"{call}:{error}" + (f":{which}" if which else "")
    if call in INTERRUPTED and thorough:
        yield from (f"{call}:EINTR:{which}" for which in TIMES if which)


def live(scene: Scene, fault: str, directory: Path) -> None:
    """Live once with this fault, and judge it."""
    program = build(Variant.FAULTS)
    report = directory / "report.json"
    options = [option.format(report=report) for option in scene.options]
    environment = {**dict(scene.environment), "ENDWELL_FAULTS": fault}
    words: list[str | Path] = [program, *options, "--", *scene.command]
    with Life(
        words,
        environment,
        pid_1=scene.pid_1,
        argv0=scene.argv0,
        terminal=scene.terminal,
        errors=scene.errors,
    ) as life:
        started = life.hears(b"ready\n", PATIENCE)
        if not started:
            assert life.ends(PATIENCE), "hangs, and its command was not started"
            assert life.status in scene.gives_up
            if scene.errors and not fault.startswith("write:"):
                lines = sum(": leaving with " not in line for line in life.errors().splitlines())
                assert lines == 1 or (lines and scene.argv0), f"no single line says why: {life.errors()!r}"
            return
        began = time.monotonic()
        if scene.queued:
            life.queue(scene.queued, 1)
        elif scene.stopped:
            life.send(signal.SIGTERM)
        if scene.stopped:
            life.ends(TWICE_THE_GRACE)  # not, if what failed was hearing or passing on the signal
        life.end_input()
        assert life.ends(PATIENCE), "hangs though its command has ended"
        judge(life, graceful=scene.stopped and time.monotonic() - began > NEARLY_THE_GRACE)


def judge(life: Life, *, graceful: bool) -> None:
    """Its end must be its command's: what the command said last, or SIGKILL when the grace was over."""
    said = re.findall(rb"bye (\d)", life.output())
    expected = [int(word) for word in said[-1:]] + [128 + signal.SIGKILL] * graceful
    story = f"{life.output()!r}, {life.errors()!r}"
    assert life.status in expected, f"ended with {life.status}, not with its command: {story}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_no_failing_call_ends_pid_1(scene: Scene, call: str, tmp_path: Path) -> None:
    wrong = {}
    for fault in faults(call, thorough=scene.thorough):
        try:
            live(scene, fault, tmp_path)
        except AssertionError as problem:
            wrong[fault] = str(problem).partition("\n")[0]
            if wrong[fault].startswith("hangs"):
                break  # the other errors would, too, and each takes its time
    assert not wrong
