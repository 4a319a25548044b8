"""The unprivileged observer: what real processes do to each other, and what it says of it."""

from __future__ import annotations

import os
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

import endwell
from endwell.model.timeline import Born, Died, Executed
from endwell.probe.seccomp import SeccompObserver
from endwell.system import limits, seccomp
from endwell.system.namespace import Launch, LaunchError, hold
from tests.probe.watched import PYTHON, SHELL, Output, sentences, watch

REPOSITORY = Path(endwell.__file__).parents[2]
HANDLER = "import signal,os,time,sys,threading\nsignal.signal(15, lambda *_: sys.exit(3))\n"
# Says so when it is what it is: a child of dash has its parent's handler for a moment.
CHILD = shlex.join([*PYTHON, "import signal; print('ready', flush=True); signal.pause()"])
READY = "print('ready', flush=True)\n"


def seen(*command: str, **how: object) -> list[str]:
    observation = watch(command, **how)  # type: ignore[arg-type]
    assert observation.witness.lost == 0
    return sentences(observation.events)


def shell(text: str, **how: object) -> list[str]:
    return seen(*SHELL, text, **how)


def python(text: str, **how: object) -> list[str]:
    return seen(*PYTHON, "import signal,os,time,sys,threading,ctypes\n" + text, **how)


def without_command(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("1 is ")]


def test_a_handler() -> None:
    assert without_command(python(f"{HANDLER}{READY}signal.pause()")) == [
        *("1 born of 0", "TERM outside -> 1: handler", "1 exits 3"),
    ]


@pytest.mark.parametrize(
    ("text", "fate"),
    [
        ("", "discarded"),
        ("signal.signal(15, signal.SIG_IGN)\n", "ignored"),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, {15})\n", "pending"),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, {15}); os.kill(1, 15)\n", "merged"),
    ],
)
def test_what_does_not_arrive(text: str, fate: str) -> None:
    lines = without_command(python(f"{text}{READY}time.sleep(100)", grace=0.1))
    assert [line for line in lines if line != "TERM 1 -> 1: pending"] == [
        "1 born of 0",
        f"TERM outside -> 1: {fate}",
        "KILL outside -> 1: default",
        "1 dies of KILL from outside",
    ]


def test_sigwait() -> None:
    text = f"signal.pthread_sigmask(signal.SIG_BLOCK, {{15}})\n{READY}signal.sigwait({{15}})\nsys.exit(4)"
    assert without_command(python(text))[1:3] == ["TERM outside -> 1: sigwait", "1 exits 4"]


def test_sigwait_beside_a_dummy_handler() -> None:
    text = "signal.signal(15, print)\nsignal.pthread_sigmask(signal.SIG_BLOCK, {15})\n"
    text += (
        "if not os.fork():\n while open('/proc/1/syscall').read().split()[0] not in ('128', '137'): pass\n"
    )
    lines = python(f"{text} {READY} signal.pause()\nsignal.sigwait({{15}})\nsys.exit(4)")
    assert {"TERM outside -> 1: sigwait", "1 exits 4"} <= set(lines)


def test_signalfd() -> None:
    text = (
        "signal.pthread_sigmask(signal.SIG_BLOCK, {15})\n"
        "fd = ctypes.CDLL(None).signalfd(-1, (ctypes.c_uint64 * 16)(1 << 14), 0)\n"
        f"{READY}os.read(fd, 128)\nsys.exit(5)"
    )
    assert without_command(python(text))[1:3] == ["TERM outside -> 1: signalfd", "1 exits 5"]


def test_a_blocked_signal_that_is_handled_later() -> None:
    text = f"{HANDLER}signal.pthread_sigmask(signal.SIG_BLOCK, {{15}})\nr, w = os.pipe()\n"
    text += f"if not os.fork():\n  {READY}  signal.pause()\n"
    text += (
        "while not 1 << 14 & int(open('/proc/self/status').read().split('ShdPnd:')[1].split()[0], 16): pass\n"
    )
    text += "signal.pthread_sigmask(signal.SIG_UNBLOCK, {15})\n"
    assert "TERM outside -> 1: handler" in python(text)


def test_a_child_that_is_never_told() -> None:
    lines = shell("trap 'exit 0' TERM; sleep 100 & (sleep 101 & echo ready; wait) & wait")
    assert [line for line in lines if line.startswith("TERM")] == ["TERM outside -> 1: handler"]
    killed = [line for line in lines if line.startswith("KILL")]
    assert len(killed) == 3
    assert {"KILL namespace -> 2: default", "KILL namespace -> 3: default"} <= set(killed)
    assert len([line for line in lines if "dies of KILL from namespace" in line]) == 3
    assert [line for line in lines if "reaped" in line and line[0] in "23"] == []
    assert lines.index("1 exits 0") < min(map(lines.index, killed))


def test_a_trap_that_forwards() -> None:
    lines = shell(f"trap 'kill $p; wait $p; exit 7' TERM; {CHILD} & p=$!; wait")
    assert without_command(lines) == [
        *("1 born of 0", "2 born of 1", f"2 is {' '.join(shlex.split(CHILD))}", "TERM outside -> 1: handler"),
        *("TERM 1 -> 2: default", "2 dies of TERM from 1", "2 reaped by 1", "1 exits 7"),
    ]


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        ("os.kill(os.getpid(), 10)", ["USR1 2 -> 2: default", "2 dies of USR1 from 2"]),
        ("signal.raise_signal(10)", ["USR1 2 -> 2: default", "2 dies of USR1 from 2"]),
        (
            "signal.pthread_kill(threading.get_ident(), 10)",
            ["USR1 2 -> 2: default", "2 dies of USR1 from 2"],
        ),
        ("ctypes.CDLL(None).sigqueue(2, 10, None)", ["USR1 2 -> 2: default", "2 dies of USR1 from 2"]),
        ("os.kill(2, 19); os._exit(3)", ["STOP 2 -> 2: default", "CONT 1 -> 2: default", "2 exits 3"]),
        ("os.setsid(); os.kill(0, 10)", ["USR1 2 -> 2: default", "2 dies of USR1 from 2"]),
        ("signal.signal(10, print); os.kill(2, 10); os._exit(4)", ["USR1 2 -> 2: handler", "2 exits 4"]),
    ],
)
def test_what_a_process_sends_itself(does: str, expected: list[str]) -> None:
    text = f"p = os.fork()\nif not p:\n {does}\nif os.WIFSTOPPED(os.waitpid(p, os.WUNTRACED)[1]):\n"
    lines = python(f"{text} os.kill(p, 18); os.waitpid(p, 0)\n{READY}time.sleep(100)", grace=0.1)
    wanted = (" -> 2", "2 dies", "2 exits")
    assert [line for line in lines if any(part in line for part in wanted)] == expected


def test_what_pid_1_sends_itself() -> None:
    lines = shell("kill 1; kill -9 $$; kill -STOP 1; echo ready; sleep 100; true", grace=0.1)
    assert [line for line in lines if " 1 -> 1" in line] == [
        *("TERM 1 -> 1: discarded", "KILL 1 -> 1: discarded", "STOP 1 -> 1: discarded"),
    ]
    text = "signal.signal(10, print)\nsignal.raise_signal(10); signal.raise_signal(12); os.kill(0, 10)\n"
    lines = python(f"{text}{READY}time.sleep(100)", grace=0.1)
    assert [line for line in lines if " 1 -> 1" in line] == [
        *("USR1 1 -> 1: handler", "USR2 1 -> 1: discarded", "USR1 1 -> 1: handler"),
    ]


def test_a_signal_to_the_group() -> None:
    text = f"import subprocess\na, b = (subprocess.Popen({shlex.split(CHILD)!r}, stdout=-1) for _ in '12')\n"
    text += "a.stdout.readline(); b.stdout.readline()\n"
    text += (
        "def told(*_):\n signal.signal(15, signal.SIG_IGN); os.kill(0, 15); a.wait(); b.wait(); os._exit(1)\n"
    )
    lines = python(f"{text}signal.signal(15, told)\n{READY}signal.pause()")
    assert [line for line in lines if line.startswith("TERM")] == [
        *("TERM outside -> 1: handler", "TERM 1 -> 1: ignored"),
        *("TERM 1 -> 2: default", "TERM 1 -> 3: default"),
    ]
    assert {"2 dies of TERM from 1", "3 dies of TERM from 1", "1 exits 1"} <= set(lines)


def test_a_group_is_not_everybody() -> None:
    text = "import subprocess\na, b = (subprocess.Popen(['sleep', '9'], process_group=0) for _ in '12')\n"
    lines = python(f"{text}os.killpg(a.pid, 10)\na.wait()\n{READY}os.kill(-1, 12)\nb.wait()\nos._exit(0)")
    assert [line for line in lines if line.startswith("USR")] == [
        "USR1 1 -> 2: default",
        "USR2 1 -> 3: default",
    ]
    assert {"2 dies of USR1 from 1", "3 dies of USR2 from 1"} <= set(lines)


def test_nothing_inside_kills_pid_1() -> None:
    lines = shell("sh -c 'kill -9 1; kill -STOP 1; kill 1; exit 0'; echo ready; sleep 100", grace=0.1)
    assert [line for line in lines if "2 -> 1" in line] == [
        *("KILL 2 -> 1: discarded", "STOP 2 -> 1: discarded", "TERM 2 -> 1: discarded"),
    ]


def test_a_signal_that_is_not_allowed_was_never_sent() -> None:
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    text = "if not os.fork():\n os.setresuid(65534, 65534, 65534)\n try: os.kill(1, 10)\n"
    text += f" except OSError: {READY}"
    assert not [
        line for line in python(f"{text} os._exit(0)\nos.wait()\ntime.sleep(9)", grace=0.1) if "USR1" in line
    ]


def test_an_orphan_is_adopted() -> None:
    lines = shell("trap 'exit 0' TERM; (sleep 100 & exit 4); sleep 101 & echo ready; wait")
    assert "3 adopted by 1" in lines
    assert (
        lines.index("2 exits 4") < lines.index("3 adopted by 1") < lines.index("TERM outside -> 1: handler")
    )


def test_a_zombie_is_reaped_by_nobody() -> None:
    text = f"{HANDLER}p = os.fork()\nif not p: os._exit(6)\n"
    # No signal.pause(): a signal that comes just before it does not wake it up, and it would be killed.
    lines = python(f"{text}os.waitid(os.P_PID, p, 0x1000004)\n{READY}while True: time.sleep(0.01)")
    assert lines[-1] == "1 exits 3"
    assert "2 exits 6" in lines
    assert lines.index("2 exits 6") < lines.index("TERM outside -> 1: handler")
    assert not [line for line in lines if line.startswith("2 reaped") or "-> 2" in line]


def test_a_zombie_of_a_killed_pid_1_is_reaped_by_nobody() -> None:
    lines = python(f"p = os.fork()\nif not p: os._exit(6)\n{READY}time.sleep(100)", grace=0.1)
    assert {"2 exits 6", "1 dies of KILL from outside"} <= set(lines)
    assert not [line for line in lines if line.startswith("2 reaped") or "-> 2" in line]


def test_children_that_only_fork() -> None:
    text = f"{HANDLER}for _ in range(5):\n  if not os.fork(): signal.pause()\n{READY}signal.pause()"
    lines = python(text)
    assert [line for line in lines if "born" in line] == [
        *("1 born of 0", *(f"{pid} born of 1" for pid in range(2, 7))),
    ]
    assert len([line for line in lines if "dies of KILL from namespace" in line]) == 5


def test_failed_execs_do_not_show() -> None:
    text = "os.environ['PATH'] = ':'.join(f'/no/{n}' for n in range(300)) + ':/bin'\n"
    text += "if not os.fork():\n try: os.execvp('nowhere', ['x'])\n except OSError: os._exit(9)\n"
    lines = python(f"{text}os.wait()\n{READY}os.execvp('sleep', ['a', '100'])", grace=0.3)
    assert [line.split(" ", 2)[2] for line in lines if " is " in line][1:] == ["a 100"]
    assert "2 exits 9" in lines


def test_a_failed_exec_is_forgotten_before_a_kill() -> None:
    lines = python(
        f"try: os.execv('/no/such', ['x'])\nexcept OSError: pass\n{READY}time.sleep(100)", grace=0.1
    )
    assert len([line for line in lines if " is " in line]) == 1


def test_a_script_is_named_with_its_interpreter(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh -e\ntrap 'exit 0' TERM; echo ready; sleep 100 & wait\n")
    script.chmod(0o755)
    assert f"1 is /bin/sh -e {script} one" in seen(str(script), "one")


def test_threads_that_execute_and_signal() -> None:
    text = "if not os.fork(): signal.pause()\nthread = threading.Thread\n"
    text += "thread(target=lambda: os.kill(2, 10)).start()\nos.wait()\n"
    text += f"{READY}thread(target=lambda: os.execv('/bin/sleep', ['sleep', '100'])).start()\n"
    lines = python(f"{text}time.sleep(9)", grace=0.3)
    assert {"USR1 1 -> 2: default", "2 dies of USR1 from 1", "1 is sleep 100"} <= set(lines)


@pytest.mark.parametrize(
    "call",
    [
        "signal.pidfd_send_signal(os.pidfd_open(2), 10)",
        "ctypes.CDLL(None).syscall(200, 2, 10)",
        "ctypes.CDLL(None).syscall(234, 2, 2, 10)",
        "ctypes.CDLL(None).sigqueue(2, 10, None)",
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls")
def test_every_way_to_send(call: str) -> None:
    lines = python(f"{HANDLER}if not os.fork(): signal.pause()\n{call}\nos.wait()\n{READY}signal.pause()")
    assert {"USR1 1 -> 2: default", "2 dies of USR1 from 1", "2 reaped by 1"} <= set(lines)


def test_three_hundred_forks() -> None:
    text = "i=0; while [ $i -lt 300 ]; do (exit 5); i=$((i+1)); done"
    observation = watch([*SHELL, f"trap 'exit 0' TERM; {text}; sleep 9 & echo ready; wait"])
    assert observation.witness.lost == 0
    assert len({event.pid for event in observation.events if isinstance(event, Born)}) == 302
    assert len([event for event in observation.events if isinstance(event, Died) and event.code == 5]) == 300


def test_who_exits_by_itself_while_pid_1_does_is_not_killed() -> None:
    lines = shell(
        "trap 'exit 0' TERM; sh -c 'trap \"exit 8\" TERM; echo ready; sleep 100 & wait' & wait; wait"
    )
    assert "KILL namespace -> 2: default" in lines  # it was not told
    lines = shell(f"trap 'kill -9 $p; exit 0' TERM; {CHILD} & p=$!; wait")
    assert "2 dies of KILL from 1" in lines


def test_who_enters_is_seen_too() -> None:
    enter = shlex.join([*SHELL, "kill -USR1 1; echo entered; sleep 100; true"])
    lines = shell("trap 'exit 0' TERM; sleep 100 & echo ready; wait; wait", enter=[enter])
    assert "3 born of 0" in lines
    assert "USR1 3 -> 1: discarded" in lines
    assert "KILL namespace -> 3: default" in lines


def test_a_death_by_fault() -> None:
    text = (
        f"{HANDLER}if not os.fork():\n os.kill(1, 0)\n ctypes.string_at(0)\nos.wait()\n{READY}signal.pause()"
    )
    assert {"SEGV kernel -> 2: default", "2 dies of SEGV from kernel"} <= set(python(text))


def test_abort_is_its_own_doing() -> None:
    assert "2 dies of ABRT from 2" in python(
        f"{HANDLER}if not os.fork(): os.abort()\nos.wait()\n{READY}signal.pause()"
    )


def test_nothing_is_left_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    shell("trap 'exit 0' TERM; sleep 100 & echo ready; wait")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with SeccompObserver():
        pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_times_are_in_order() -> None:
    events = watch([*SHELL, "trap 'exit 0' TERM; (true); sh -c true; echo ready; sleep 100 & wait"]).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert isinstance(events[0], Born)
    assert isinstance(events[1], Executed)


def test_an_observer_that_has_gone_fails_the_start() -> None:
    with SeccompObserver() as observer, SeccompObserver() as other:
        listener = observer.listener
        assert listener is not None
        door = os.dup(listener)
        assert other.born == 0
    try:
        namespace = hold(
            Launch(
                command=["sleep", "100"],
                environment={"PATH": "/bin"},
                stdin=door,
                stdout=1,
                stderr=2,
                listener=door,
            )
        )
        namespace.release()
        with pytest.raises(LaunchError) as caught:
            namespace.confirm()
        assert caught.value.step == "seccomp"
    finally:
        os.close(door)


def test_an_observer_that_leaves_early_ends_the_calls_of_survivors() -> None:
    output = Output()
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    text = f"{READY}sys.stdin.readline()\ntry: os.kill(1, 0)\n"
    text += "except OSError as e: print('errno', e.errno, flush=True)\n"
    talk, heard = os.pipe2(os.O_CLOEXEC)
    try:
        with SeccompObserver() as observer:
            namespace = hold(
                Launch(
                    command=[*PYTHON, f"import os,sys\n{text}sys.stdin.readline()"],
                    environment={},
                    stdin=talk,
                    stdout=output.inner,
                    stderr=output.inner,
                    listener=observer.listener,
                )
            )
            observer.follow(namespace.pid)
            namespace.release()
            namespace.confirm()
            output.expect("ready")
        os.write(heard, b"\n")
        output.expect("errno 38")
        namespace.close()
    finally:
        output.close_inner()
        output.close()
        for descriptor in (nothing, talk, heard):
            os.close(descriptor)


def test_a_refused_pidfd_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pidfd_open

    def refuse(pid: int, flags: int = 0) -> int:
        if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
            raise OSError(24, "Too many open files")
        return real(pid, flags)

    monkeypatch.setattr(os, "pidfd_open", refuse)
    observation = watch([*SHELL, "trap 'exit 0' TERM; sleep 100 & sleep 0; echo ready; wait"])
    assert observation.witness.lost > 0


def test_more_processes_than_may_be_followed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    most = len(list(Path("/proc/self/fd").iterdir())) + 64 + 40
    monkeypatch.setattr(limits, "open_files", lambda: most)
    text = f"{HANDLER}for _ in range(60):\n  if not os.fork(): signal.pause()\n{READY}signal.pause()"
    observation = watch([*PYTHON, text])
    born = {event.pid for event in observation.events if isinstance(event, Born)}
    assert len(born) + observation.witness.lost == 61
    assert 0 < observation.witness.lost < 60
    assert "1 exits 3" in sentences(observation.events)


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(seccomp.UnknownMachineError, match="riscv64"):
        seccomp.program("riscv64")


@cache
def may_be_somebody_else() -> str:
    done = as_nobody("-c", "import endwell.probe.seccomp, tests.probe.watched")
    return done.stderr[-200:] if done.returncode else ""


def as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/python3", *arguments],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.root
@pytest.mark.may_skip
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            [*SHELL, f"trap 'kill $p; wait $p; exit 7' TERM; {CHILD} & p=$!; wait"],
            [
                "TERM outside -> 1: handler",
                "TERM 1 -> 2: default",
                "2 dies of TERM from 1",
                "2 reaped by 1",
                "1 exits 7",
            ],
        ),
        (
            [*SHELL, "trap 'exit 0' TERM; (sleep 100; true) & echo ready; wait"],
            ["TERM outside -> 1: handler", "1 exits 0", "2 dies of KILL from namespace"],
        ),
        (
            [*PYTHON, f"import signal\nsignal.pthread_sigmask(0, {{15}})\n{READY}signal.sigwait({{15}})"],
            ["TERM outside -> 1: sigwait", "1 exits 0"],
        ),
        (
            ["--grace=0.1", "--", *SHELL, "sh -c 'kill -9 1; exit 0'; echo ready; sleep 100"],
            ["KILL 2 -> 1: discarded", "TERM outside -> 1: discarded", "1 dies of KILL from outside"],
        ),
        (
            [
                "--enter",
                shlex.join([*SHELL, "kill -USR1 1; echo entered; sleep 9"]),
                "--",
                *SHELL,
                "sleep 1 & echo ready; wait",
            ],
            ["USR1 3 -> 1: discarded"],
        ),
    ],
)
def test_it_needs_no_root(words: list[str], expected: list[str]) -> None:
    if reason := may_be_somebody_else():
        pytest.skip(f"another user cannot read this directory: {reason}")
    done = as_nobody("-m", "tests.probe.watched", *([] if words[0].startswith("--") else ["--"]), *words)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line in expected] == expected, done.stdout + done.stderr
    assert lines[-1] == "lost 0"
