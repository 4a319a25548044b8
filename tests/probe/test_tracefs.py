"""The tracefs observer against real programs: the sequences that a right observer tells."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from endwell.engine.local import LocalContainer, LocalEngine
from endwell.model.process import Killer
from endwell.model.signals import KILL, TERM, Signal
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Adopted, Born, Executed, Fate, Origin, Sender, Signalled
from endwell.probe.members import namespace_of
from endwell.probe.observer import ObserverError
from endwell.probe.seccomp import SeccompObserver
from endwell.probe.tracefs import TracefsObserver
from endwell.records import replace
from endwell.system.tracefs import Tracing
from tests.probe.conftest import LIMIT, Seen, Watch

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="tracefs needs root")]

READY = "print('ready', flush=True)\n"
SLEEP = "time.sleep(60)\n"
SHORT = 0.3  # where nobody but the kill ends it
# Python's handler for what came just before one of them runs after it.
RESTLESS = "for _ in range(6000): time.sleep(0.01)\n"
LEAVES = "signal.signal(15, lambda *_: os._exit(3))\n"


def python(*lines: str) -> tuple[str, ...]:
    return ("/usr/bin/python3", "-I", "-S", "-c", "import os, signal, sys, time\n" + "".join(lines))


def kill_by_engine(seen: Seen) -> None:
    assert seen.timeline.stop.killed
    assert seen.first.end is not None
    assert (seen.first.end.killer, seen.first.end.status) == (Killer.ENGINE, 137)
    assert seen.fates()[-1] == ("KILL", "outside", "default")


# -------------------------------------------------------------------------------------------- fates at PID 1


def test_a_handler(watch: Watch) -> None:
    seen = watch(python(LEAVES, READY, SLEEP))
    assert seen.fates() == [("TERM", "outside", "handler")]
    assert seen.first.end is not None
    assert (seen.first.end.code, seen.first.end.killer) == (3, None)
    assert seen.timeline.witness.lost == 0
    assert not seen.timeline.witness.blind


def test_no_handler(watch: Watch) -> None:
    seen = watch(python(READY, SLEEP), grace=SHORT)
    assert seen.fates()[0] == ("TERM", "outside", "discarded")
    kill_by_engine(seen)


def test_ignored(watch: Watch) -> None:
    seen = watch(python("signal.signal(15, signal.SIG_IGN)\n", READY, SLEEP), grace=SHORT)
    assert seen.fates()[0] == ("TERM", "outside", "ignored")
    kill_by_engine(seen)


def test_blocked(watch: Watch) -> None:
    seen = watch(python("signal.pthread_sigmask(signal.SIG_BLOCK, [15])\n", READY, SLEEP), grace=SHORT)
    assert seen.fates()[0] == ("TERM", "outside", "pending")
    kill_by_engine(seen)


def test_sigwait(watch: Watch) -> None:
    wait = "signal.pthread_sigmask(signal.SIG_BLOCK, [15])\n" + READY + "signal.sigwait([15])\n"
    assert watch(python(wait)).fates() == [("TERM", "outside", "sigwait")]


@pytest.mark.parametrize(
    ("init", "fate"), [("tini", "sigwait"), ("dumb-init", "sigwait"), ("catatonit", "signalfd")]
)
def test_inits(watch: Watch, init: str, fate: str) -> None:
    seen = watch((init, "--", "sh", "-c", "sleep 60 & echo ready; wait"))
    assert seen.fates() == [("TERM", "outside", fate)]
    assert seen.fates(2) == [("TERM", "process", "default")]
    shell = seen.of(2)
    assert shell.signals[-1].sender == Sender(Origin.PROCESS, 1)
    assert shell.reaped is not None
    assert shell.reaped.by == 1
    assert seen.first.end is not None
    assert seen.first.end.status == 143
    told = init == "dumb-init"
    assert seen.fates(3)[0] == (("TERM", "process", "default") if told else ("KILL", "namespace", "default"))


def test_two_that_merge(watch: Watch) -> None:
    block = "signal.pthread_sigmask(signal.SIG_BLOCK, [15])\n"
    later = "time.sleep(0.1); signal.pthread_sigmask(signal.SIG_UNBLOCK, [15])\n"
    seen = watch(python(LEAVES, block, READY, later, SLEEP), signals=(TERM, TERM))
    assert seen.fates() == [("TERM", "outside", "handler"), ("TERM", "outside", "merged")]


def test_one_that_is_killed_before_it_runs_again_had_not_blocked_it(watch: Watch) -> None:
    stopped = "p = os.fork()\nif not p: time.sleep(60)\nos.kill(p, 19); os.waitpid(p, os.WUNTRACED)\n"
    tell = "signal.signal(15, lambda *_: (os.kill(p, 15), os._exit(0)))\n"
    assert watch(python(stopped, tell, READY, SLEEP)).fates(2)[0] == ("TERM", "process", "too late")


def test_a_handler_that_raises_it_again_is_discarded_at_pid_1(watch: Watch) -> None:
    again = "def again(*_):\n    signal.signal(15, signal.SIG_DFL); os.kill(os.getpid(), 15); os._exit(9)\n"
    seen = watch(python(again, "signal.signal(15, again)\n", READY, SLEEP))
    assert seen.fates() == [("TERM", "outside", "handler"), ("TERM", "process", "discarded")]
    assert seen.first.end is not None
    assert seen.first.end.code == 9


def test_killing_pid_1_from_inside_is_in_vain(watch: Watch) -> None:
    script = "sh -c 'kill -9 1; kill -STOP 1; kill 1'; echo ready; sleep 60; true"
    seen = watch(("sh", "-c", script), grace=SHORT)
    by = Sender(Origin.PROCESS, 2)
    assert [(one.signal.name, one.sender, one.fate) for one in seen.first.signals[:3]] == [
        ("SIGKILL", by, Fate.DISCARDED),
        ("SIGSTOP", by, Fate.DISCARDED),
        ("SIGTERM", by, Fate.DISCARDED),
    ]
    kill_by_engine(seen)


# ------------------------------------------------------------------------------------------------ the others


def test_a_child_that_is_never_told(watch: Watch) -> None:
    seen = watch(python("if not os.fork(): time.sleep(60)\n", LEAVES, READY, SLEEP))
    child = seen.of(2)
    assert seen.fates(2) == [("KILL", "namespace", "default")]
    assert child.end is not None
    assert (child.end.killer, child.end.pid, child.told) == (Killer.NAMESPACE, 1, False)
    assert not child.executed
    assert child.argv == seen.first.argv


def test_an_orphan_is_adopted_and_reaped_by_pid_1(watch: Watch) -> None:
    orphan = "p = os.fork()\nif not p:\n    q = os.fork()\n    if not q: time.sleep(0.05)\n    os._exit(0)\n"
    seen = watch(python(orphan, "os.waitpid(p, 0); os.wait()\n", READY, LEAVES, SLEEP))
    assert seen.of(3).parent == 2
    assert seen.of(3).adopter == 1
    assert [seen.of(pid).reaped and seen.of(pid).reaped.by for pid in (2, 3)] == [1, 1]  # type: ignore[union-attr]


def test_an_orphan_is_adopted_by_a_subreaper(watch: Watch) -> None:
    code = (
        "import ctypes\nif not os.fork():\n"
        "    ctypes.CDLL(None).prctl(36, 1)\n    p = os.fork()\n    if not p:\n"
        "        if not os.fork(): time.sleep(0.05); os._exit(5)\n        os._exit(0)\n"
        "    os.waitpid(p, 0); os.wait()\n    print('ready', flush=True); time.sleep(60)\n"
    )
    seen = watch(python(code, LEAVES, SLEEP))
    assert [
        event.parent for event in seen.timeline.events if isinstance(event, Adopted) and event.pid == 4
    ] == [2]
    assert seen.of(4).reaped is not None
    assert seen.of(4).reaped.by == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ("time.sleep(0.03)\n", None),
        ("os.waitpid(p, 0)\n", 1),
        ("os.waitid(os.P_ALL, 0, os.WEXITED)\n", 1),
        ("os.waitid(os.P_PID, p, os.WEXITED | os.WNOWAIT)\n", None),
    ],
)
def test_who_collects_a_child(watch: Watch, how: str, by: int | None) -> None:
    seen = watch(python("p = os.fork()\nif not p: os._exit(7)\n", how, LEAVES, READY, SLEEP))
    child = seen.of(2)
    assert child.end is not None
    assert child.end.code == 7
    assert (child.reaped.by if child.reaped else None) == by


def test_a_parent_that_ignores_its_children_collects_them_at_once(watch: Watch) -> None:
    ignore = "signal.signal(17, signal.SIG_IGN)\nr, w = os.pipe()\n"
    fork = "if not os.fork(): os._exit(7)\nos.close(w); os.read(r, 1)\n"
    child = watch(python(ignore, fork, LEAVES, READY, SLEEP)).of(2)
    assert child.reaped is not None
    assert child.reaped.at == child.died


def test_a_child_of_vfork(watch: Watch) -> None:
    seen = watch(python("os.posix_spawn('/bin/sleep', ['sleep', '60'], {})\n", LEAVES, READY, SLEEP))
    child = seen.of(2)
    assert (child.parent, child.argv[-1]) == (1, ("sleep", "60"))
    assert seen.fates(2) == [("KILL", "namespace", "default")]


def test_threads_are_no_processes(watch: Watch) -> None:
    crowd = (
        "import threading\nstop = threading.Event()\n"
        "for _ in range(20): threading.Thread(target=stop.wait, daemon=True).start()\n"
    )
    seen = watch(python(crowd, LEAVES, READY, SLEEP))
    assert [one.pid for one in seen.processes] == [1]
    assert seen.fates() == [("TERM", "outside", "handler")]


def test_a_thread_that_forks_forks_for_its_process(watch: Watch) -> None:
    fork = "import threading\nthreading.Thread(target=lambda: os.fork() or time.sleep(60)).start()\n"
    seen = watch(python(fork, LEAVES, READY, SLEEP))
    assert [(one.pid > 1, one.parent) for one in seen.processes] == [(False, 0), (True, 1)]


def test_a_thread_that_executes_takes_the_process_over(watch: Watch) -> None:
    shell = "['sh', '-c', 'trap \"exit 6\" TERM; echo ready; sleep 60 & wait']"
    thread = f"import threading\nthreading.Thread(target=lambda: os.execv('/bin/sh', {shell})).start()\n"
    seen = watch(python(thread, SLEEP))
    assert seen.first.argv[-1][:2] == ("sh", "-c")
    assert seen.fates() == [("TERM", "outside", "handler")]
    assert seen.first.end is not None
    assert seen.first.end.code == 6


def test_a_daemon_of_two_forks(watch: Watch) -> None:
    daemon = "if not os.fork():\n    os.setsid()\n    if not os.fork(): time.sleep(60)\n    os._exit(0)\n"
    seen = watch(python(daemon, "os.wait()\n", LEAVES, READY, SLEEP))
    assert (seen.of(3).parent, seen.of(3).adopter) == (2, 1)
    assert seen.fates(3) == [("KILL", "namespace", "default")]


@pytest.mark.parametrize(
    ("line", "name", "origin"),
    [
        ("os.abort()", "SIGABRT", Origin.PROCESS),
        ("os.kill(os.getpid(), 15)", "SIGTERM", Origin.PROCESS),
        ("os.kill(os.getpid(), 9)", "SIGKILL", Origin.PROCESS),
        (
            "signal.signal(13, signal.SIG_DFL); r, w = os.pipe(); os.close(r); os.write(w, b'x')",
            "SIGPIPE",
            Origin.KERNEL,
        ),
        (
            "signal.alarm(1); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(5)",
            "SIGALRM",
            Origin.KERNEL,
        ),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV", Origin.KERNEL),
    ],
)
def test_what_a_process_dies_of(watch: Watch, line: str, name: str, origin: Origin) -> None:
    seen = watch(python(f"if not os.fork():\n    {line}\nos.wait()\n", LEAVES, READY, SLEEP))
    child = seen.of(2)
    assert child.end is not None
    assert child.end.signal is not None
    assert (child.end.signal.name, child.end.killer) == (name, None)
    sender = Sender(origin, 2 if origin is Origin.PROCESS else None)
    assert [(one.signal.name, one.sender, one.fate) for one in child.signals] == [
        (name, sender, Fate.DEFAULT)
    ]


def test_stop_and_continue_are_kept(watch: Watch) -> None:
    child = "p = os.fork()\nif not p: time.sleep(60)\n"
    both = "os.kill(p, 19); os.waitpid(p, os.WUNTRACED); os.kill(p, 18); os.waitpid(p, os.WCONTINUED)\n"
    seen = watch(python(child, both, LEAVES, READY, SLEEP))
    assert [(one.signal.name, one.fate) for one in seen.of(2).signals[:2]] == [
        ("SIGSTOP", Fate.DEFAULT),
        ("SIGCONT", Fate.DEFAULT),
    ]
    assert seen.of(2).reaped is None


def test_a_container_that_ends_by_itself(watch: Watch) -> None:
    seen = watch(("sh", "-c", "echo ready; exit 42"), signals=())
    assert seen.first.end is not None
    assert seen.first.end.code == 42


def test_a_container_that_is_killed_at_once(watch: Watch) -> None:
    seen = watch(("sh", "-c", "sleep 60 & echo ready; wait"), signals=(KILL,))
    assert seen.fates() == [("KILL", "outside", "default")]
    assert seen.fates(2) == [("KILL", "namespace", "default")]


# ------------------------------------------------------------------------------------- numbers, names, bounds


def test_numbers_come_round_again(watch: Watch) -> None:
    again = (
        "for _ in range(3):\n    open('/proc/sys/kernel/ns_last_pid', 'w').write('50')\n"
        "    for n in range(3):\n        p = os.fork()\n"
        "        if not p: os._exit(n)\n        os.waitpid(p, 0)\n"
    )
    seen = watch(python(again, LEAVES, READY, SLEEP))
    assert [(one.pid, one.end.code) for one in seen.processes[1:] if one.end] == [
        (51, 0),
        (52, 1),
        (53, 2),
    ] * 3
    assert all(one.reaped for one in seen.processes[1:])


def test_a_name_that_looks_like_a_record(watch: Watch) -> None:
    name = "x-1 [000] d...\\n"
    liar = f"open('/proc/self/comm', 'w').write('{name}')\nif not os.fork(): os.kill(1, 10); time.sleep(60)\n"
    seen = watch(python("signal.signal(10, lambda *_: print('ready', flush=True))\n", LEAVES, liar, RESTLESS))
    first = next(event for event in seen.timeline.events if isinstance(event, Signalled))
    assert (first.pid, first.signal, first.sender, first.fate) == (
        1,
        Signal(10),
        Sender(Origin.PROCESS, 2),
        Fate.HANDLER,
    )
    assert len(seen.processes) == 2


def test_nothing_of_a_thousand_processes_is_lost(watch: Watch) -> None:
    loop = "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done; echo ready; exit 0"
    seen = watch(("/bin/dash", "-c", loop), signals=())
    assert seen.timeline.witness.lost == 0
    assert len(seen.processes) == 1001
    assert all(one.end and one.end.code == 0 for one in seen.processes)
    assert all(one.reaped and one.reaped.by == 1 for one in seen.processes[1:])
    assert sum(isinstance(event, Executed) for event in seen.timeline.events) == 1001


def test_a_buffer_that_is_too_small_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = threading.Event()
    read = Tracing.read

    def read_late(tracing: Tracing, most: int = 1 << 20) -> bytes:
        return read(tracing, most) if ready.is_set() else b""

    def let(_: object) -> None:
        ready.set()

    monkeypatch.setattr(Tracing, "read", read_late)
    loop = "i=0; while [ $i -lt 500 ]; do (:); i=$((i+1)); done; echo ready; exit 0"
    seen = Watch(lambda: TracefsObserver(kilobytes=16))(("/bin/dash", "-c", loop), signals=(), before=let)
    assert seen.timeline.witness.lost > 500


def test_a_storm_of_signals_is_seen_to_its_end(watch: Watch) -> None:
    storm = (
        "signal.signal(10, signal.SIG_IGN)\nfor _ in range(40000): os.kill(os.getpid(), 10)\nos._exit(4)\n"
    )
    seen = watch(
        python(
            "signal.signal(15, lambda *_: storm())\n",
            "def storm():\n    " + storm.strip().replace("\n", "\n    ") + "\n",
            READY,
            SLEEP,
        ),
        grace=10.0,
    )
    assert seen.timeline.witness.lost == 0
    assert len(seen.first.signals) == 40001
    assert seen.first.end is not None
    assert seen.first.end.code == 4


def test_more_than_is_kept_is_said() -> None:
    loop = "i=0; while [ $i -lt 50 ]; do (:); i=$((i+1)); done; echo ready; exit 0"
    seen = Watch(lambda: TracefsObserver(most=20))(("/bin/dash", "-c", loop), signals=())
    assert seen.timeline.witness.lost == 30
    assert seen.first.end is not None
    assert seen.first.end.code == 0


# ------------------------------------------------------------------------------------------ coming and going


def test_following_late_loses_nothing(watch: Watch) -> None:
    command = ("sh", "-c", "sleep 60 & echo ready; wait")
    early, late = watch(command, grace=SHORT), watch(command, grace=SHORT, late=True)
    assert [replace(event, at=0.0) for event in early.timeline.events[:3]] == [
        replace(event, at=0.0) for event in late.timeline.events[:3]
    ]
    assert not late.timeline.witness.blind


def test_one_that_is_followed_while_an_earlier_reading_goes_on_was_not_running_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads, made, known = Tracing.read, threading.Event(), threading.Event()

    def slow(tracing: Tracing, most: int) -> bytes:
        content = reads(tracing, most)
        if not known.is_set():
            made.set()
            known.wait(LIMIT)
        return content

    monkeypatch.setattr(Tracing, "read", slow)
    with TracefsObserver() as observer:
        subprocess.run(["true"], check=True)
        assert made.wait(LIMIT)
        with LocalEngine().create(ContainerSpec(command=("sh", "-c", "echo ready; sleep 60"))) as container:
            observer.follow(container.pid)
            known.set()
            container.start()
            container.expect("ready")
            observer.hurry()
            container.stop(0)
            seen = observer.finish()
    assert not any("running already" in sentence for sentence in seen.witness.blind)
    assert seen.events[0] == Born(seen.events[0].at, 1, 0)


def test_what_could_not_be_read_is_what_we_ordered_or_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: int) -> tuple[str, ...]:
        raise ProcessLookupError

    monkeypatch.setattr("endwell.probe.tracefs_answers.command_line", gone)
    monkeypatch.setattr("endwell.probe.tracefs.glimpses", lambda _: ())
    command, inside = ("sh", "-c", "sleep 60 & echo ready; wait"), ("sh", "-c", "sleep 0; exit 0")
    with (
        TracefsObserver() as observer,
        LocalEngine().create(ContainerSpec(command=command)) as container,
    ):
        observer.follow(container.pid, container.command)
        container.start()
        container.expect("ready")
        with container.exec(inside, entering=partial(observer.entered, argv=inside)) as running:
            running.wait()
        observer.hurry()
        container.stop(0)
        seen = observer.finish()
    told = [event.argv for event in seen.events if isinstance(event, Executed)]
    assert told[0] == command
    assert inside in told
    assert [argv[0].rpartition("/")[2] for argv in told if len(argv) == 1] == ["sleep", "sleep"]
    (said,) = (sentence for sentence in seen.witness.blind if "command line" in sentence)
    assert said.startswith("it could not read the command lines of 2 programs")


def test_a_container_that_runs_already_is_taken_in_as_it_is() -> None:
    engine = LocalEngine()
    with engine.start(("sh", "-c", "sleep 60 & (sleep 61; :) & echo ready; wait")) as container:
        container.expect("ready")
        with TracefsObserver() as observer:
            observer.follow(container.pid)
            observer.hurry()
            zero = time.monotonic()
            container.stop(0.1)
            seen = observer.finish()
    assert seen.witness.blind
    executed = {event.pid: event.argv for event in seen.events if isinstance(event, Executed)}
    assert executed[1][:2] == ("sh", "-c")
    assert ("sleep", "60") in executed.values()
    term = next(event for event in seen.events if isinstance(event, Signalled) and event.at >= zero)
    assert (term.pid, term.signal, term.fate) == (1, TERM, Fate.DISCARDED)
    assert all(event.at < zero for event in seen.events if isinstance(event, Executed) and event.pid < 4)


def test_a_session_from_outside_belongs_to_it(watch: Watch) -> None:
    ready = "signal.signal(10, lambda *_: print('there', flush=True))\n" + READY

    def enter(container: LocalContainer) -> None:
        container.exec(("sh", "-c", "kill -USR1 1; sleep 60; :"))
        container.expect("there")

    seen = watch(python(LEAVES, ready, SLEEP), before=enter)
    session = next(one for one in seen.processes[1:] if one.parent == 0)
    assert session.argv[-1][:2] == ("sh", "-c")
    assert seen.fates(session.pid) == [("KILL", "namespace", "default")]
    assert seen.first.signals[0].sender == Sender(Origin.PROCESS, session.pid)


@pytest.mark.parametrize("step", ["namespace_of", "find"])
def test_a_session_that_had_gone_before_it_was_looked_up_is_said(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def gone(_: int) -> None:
        if step == "find":
            raise ProcessLookupError

    def enter(container: LocalContainer) -> None:
        container.exec(("true",)).wait()
        subprocess.run(["true"], check=True)

    blind = watch(python(LEAVES, READY, SLEEP), before=enter).timeline.witness.blind
    assert not any(sentence.startswith("it may have missed") for sentence in blind)
    monkeypatch.setattr(f"endwell.probe.tracefs_answers.{step}", gone)
    blind = watch(python(LEAVES, READY, SLEEP), before=enter).timeline.witness.blind
    # Whoever enters another container meanwhile counts, too: it is not known where he went.
    assert any(re.match(r"it may have missed (a command|\d+ commands) run inside", one) for one in blind)


def test_one_whom_we_have_sent_in_is_known_however_soon_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def late(pid: int) -> tuple[int, int] | None:
        over.wait(LIMIT)
        return namespace_of(pid)

    monkeypatch.setattr("endwell.probe.tracefs_answers.namespace_of", late)
    inside = ("sh", "-c", "kill -9 2; kill -9 1")
    command = ("sh", "-c", "sleep 60 & echo ready; while :; do wait; done")
    with TracefsObserver() as observer, LocalEngine().create(ContainerSpec(command=command)) as container:
        observer.follow(container.pid, command)
        container.start()
        container.expect("ready")
        container.exec(inside, entering=partial(observer.entered, argv=inside)).wait()
        over.set()
        observer.hurry()
        container.stop(0)
        seen = observer.finish()
    session = next(one.pid for one in seen.events if isinstance(one, Executed) and one.argv == inside)
    signals = [one for one in seen.events if isinstance(one, Signalled) and one.sender.pid == session]
    assert [(one.pid, one.signal, one.fate) for one in signals] == [
        (2, KILL, Fate.DEFAULT),
        (1, KILL, Fate.DISCARDED),
    ]
    assert not any(sentence.startswith("it may have missed") for sentence in seen.witness.blind)


def test_born_counts_while_it_runs() -> None:
    with (
        TracefsObserver() as observer,
        LocalEngine().start(("sh", "-c", "(:);(:); sleep 60 & echo ready; wait")) as one,
    ):
        one.expect("ready")
        assert observer.born == 0
        observer.follow(one.pid)
        observer.hurry()
        assert observer.born == 4
        one.stop(0)
        observer.finish()


def test_one_that_is_never_asked_leaves_nothing() -> None:
    before = {one.name for one in Path("/proc/self/fd").iterdir()}
    with TracefsObserver() as observer:
        observer.hurry()
    with TracefsObserver() as observer:
        assert observer.finish().events == ()
    assert {one.name for one in Path("/proc/self/fd").iterdir()} == before


def test_without_privileges_it_says_what_to_do() -> None:
    code = (
        "import os\nfrom endwell.probe.tracefs import TracefsObserver\n"
        "from endwell.probe.observer import ObserverError\nos.setuid(65534)\n"
        "try: TracefsObserver().__enter__()\nexcept ObserverError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("cannot observe with tracefs: ")
    assert "sudo" in done.stdout
    assert done.stdout.count("\n") == 1


def test_in_a_namespace_with_other_numbers_it_refuses(watch: Watch) -> None:
    code = (
        f"sys.path[:0] = {[path for path in sys.path if path]!r}\n"
        "from endwell.probe.tracefs import TracefsObserver\n"
        "try: TracefsObserver().__enter__()\nexcept Exception as error: print(type(error).__name__, error)\n"
    )
    seen = watch((sys.executable, "-c", "import os, sys\n" + code), ready=None, signals=())
    assert "ObserverError cannot observe with tracefs" in seen.lines[0]
    assert "--pid=host" in seen.lines[0]


def test_a_reader_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("endwell.system.tracefs.Tracing.read", fail)
    with TracefsObserver() as observer:
        observer.follow(os.getpid())
        with pytest.raises(ObserverError, match="Input/output"):
            observer.finish()
        # Whatever number the closed directory had may be anything by now.
        with pytest.raises(ObserverError, match="Input/output"):
            observer.hurry()


def test_a_reader_that_cannot_open_files_any_more_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(24, "Too many open files")

    instances: list[str] = []
    with TracefsObserver() as observer:
        monkeypatch.setattr(Tracing, "stop", fail)
        monkeypatch.setattr(Tracing, "read", fail)
        observer.follow(os.getpid())
        with pytest.raises(ObserverError, match="raise ulimit -n"):
            observer.finish()
        instances.append(observer._tracing.name if observer._tracing else "")
    assert capfd.readouterr() == ("", "")
    with Tracing.make({}, 4) as other:
        names = os.listdir(f"/proc/self/fd/{other._directory}/..")  # noqa: PTH208  it is nowhere else
    assert instances[0] not in names


def test_where_no_thread_can_be_made_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = {one.name for one in Path("/proc/self/fd").iterdir()}
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for observer in (TracefsObserver(), SeccompObserver()):
        with pytest.raises(ObserverError, match="raise ulimit -u"):
            observer.__enter__()
    assert {one.name for one in Path("/proc/self/fd").iterdir()} == before


def test_what_was_dropped_before_it_was_followed_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("endwell.probe.tracefs._KEPT_BEFORE", 0)
    command = ("sh", "-c", "echo ready; sleep 60")
    with TracefsObserver() as observer, LocalEngine().start(command) as container:
        container.expect("ready")
        observer.follow(container.pid, command)
        observer.hurry()
        container.stop(0)
        seen = observer.finish()
    assert seen.witness.lost
    assert not any("running already" in sentence for sentence in seen.witness.blind)


def test_killed_outright_it_leaves_only_what_the_next_one_removes() -> None:
    code = (
        "from endwell.probe.tracefs import TracefsObserver\n"
        "o = TracefsObserver().__enter__(); print(o._tracing.name, flush=True)\nimport signal; signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        mounts = Path(f"/proc/{other.pid}/mounts").read_text()
        other.send_signal(signal.SIGKILL)
    assert Path("/proc/self/mounts").read_text() == mounts
    with TracefsObserver() as observer:
        observer.finish()
