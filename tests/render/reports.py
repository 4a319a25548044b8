"""Reports made by hand: one for every kind of ending a picture has to be right about."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from endwell import rules
from endwell.machine.lives import lives
from endwell.model.finding import Ending, Finding, Severity, Verdict
from endwell.model.report import Report
from endwell.model.signals import CHLD, INT, KILL, TERM, USR1, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    OpenFile,
    Origin,
    Printed,
    Ready,
    Reaped,
    Sender,
    Signalled,
    Stop,
    Timeline,
    Way,
    Witness,
)
from endwell.model.traffic import Group, Outcome, Request, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.model.timeline import Event

OUTSIDE = Sender(Origin.OUTSIDE)
TEARDOWN = Sender(Origin.NAMESPACE, 1)


def by(pid: int) -> Sender:
    """Return a process as the sender of a signal."""
    return Sender(Origin.PROCESS, pid)


def started(at: float, pid: int, parent: int, *argv: str) -> tuple[Event, ...]:
    """Return the fork and the exec of a process."""
    return (Born(at, pid, parent), *((Executed(at + 0.001, pid, argv),) if argv else ()))


def torn_down(at: float, pid: int) -> tuple[Event, ...]:
    """Return what the kernel does with a process when PID 1 has ended."""
    return (
        Signalled(at, pid, KILL, TEARDOWN, Fate.DEFAULT),
        Died(at + 0.0001, pid, signal=KILL, sender=TEARDOWN),
    )


def report(
    events: Iterable[Event],
    stop: Stop,
    *findings: Finding,
    verdict: Verdict | None = None,
    ending: Ending = Ending.PARTIAL,
    engine: str = "local",
    traffic: Traffic | None = None,
    witness: Witness | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    """Return a report about events in any order."""
    timeline = Timeline(
        tuple(sorted(events, key=lambda event: event.at)),
        stop,
        witness or Witness("tracefs"),
        engine,
        Ready("settled", -0.3),
        traffic,
        notes,
    )
    errors = any(one.severity is Severity.ERROR for one in findings)
    return Report(
        timeline,
        lives(timeline),
        findings,
        verdict or (Verdict.BADLY if errors else Verdict.WELL),
        ending,
    )


def well() -> Report:
    """Return an app that handles TERM and waits for its worker."""
    return report(
        [
            *started(-10.2, 1, 0, "python3", "app.py"),
            *started(-9.9, 7, 1, "worker", "--queue", "mail"),
            Printed(-9.8, "stdout", "listening on 8080"),
            Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER),
            Printed(0.001, "stdout", "told TERM, draining"),
            Signalled(0.0014, 7, TERM, by(1), Fate.HANDLER),
            Died(0.0025, 7, code=0),
            Signalled(0.0025, 1, CHLD, Sender(Origin.KERNEL), Fate.HANDLER),
            Reaped(0.0026, 7, 1),
            Printed(0.0028, "stdout", "flushed"),
            Died(0.0031, 1, code=0),
            Reaped(0.0033, 1, 0),
        ],
        Stop(took=0.0031, exit=0),
        ending=Ending.WELL,
    )


def never_told() -> Report:
    """Return a shell that is PID 1, and its app, which never hears of the stop; judged as a real one is."""
    made = report(
        [
            *started(-0.51, 1, 0, "sh", "-c", "./app --port 8080; echo done"),
            *started(-0.5, 7, 1, "./app", "--port", "8080"),
            *started(-0.4, 9, 7, "/usr/lib/app/worker", "--id", "1"),
            Printed(-0.4, "stdout", "ready"),
            Signalled(0, 1, TERM, OUTSIDE, Fate.DISCARDED),
            Signalled(10.003, 1, KILL, OUTSIDE, Fate.DEFAULT),
            Died(10.004, 1, signal=KILL, sender=OUTSIDE),
            Holding(10.002, 7, (OpenFile("/data/queue.log", 812, whole=False),), ("tcp:8080",)),
            *torn_down(10.0045, 7),
            *torn_down(10.0046, 9),
        ],
        Stop(took=10.01, killed=True, exit=137),
        ending=Ending.KILLED,
        engine="docker",
    )
    return rules.judge(made.timeline)


def killed_by_engine() -> Report:
    """Return a supervisor that takes too long; one child leaves, one is stubborn, one shell fails."""
    return report(
        [
            *started(-2.2, 1, 0, "/usr/bin/python3", "/usr/bin/supervisord", "-c", "/etc/supervisord.conf"),
            *started(-1.9, 8, 1, "nginx", "-g", "daemon off;"),
            *started(-1.85, 9, 1, "sh", "-c", "python3 worker.py; true"),
            *started(-1.8, 10, 1, "redis-server", "*:6379"),
            *started(-1.7, 12, 9, "python3", "worker.py"),
            *started(-1.6, 14, 8),
            *started(-1.6, 15, 8),
            *started(-1.0, 20, 1, "cp", "a", "b"),
            Died(-0.9, 20, code=0),
            Reaped(-0.89, 20, 1),
            Printed(-1.5, "stdout", "nginx entered RUNNING state"),
            Printed(-1.4, "stderr", "warning: no password set"),
            Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER),
            Printed(0.06, "stdout", "received SIGTERM indicating exit request"),
            Signalled(0.063, 10, TERM, by(1), Fate.HANDLER),
            Printed(0.11, "stdout", "DB saved on disk"),
            Died(0.12, 10, code=0),
            Reaped(1.1, 10, 1),
            Signalled(1.12, 9, TERM, by(1), Fate.DEFAULT),
            Died(1.121, 9, signal=TERM, sender=by(1)),
            Adopted(1.121, 12, 1),
            Reaped(2.1, 9, 1),
            Signalled(2.13, 8, TERM, by(1), Fate.IGNORED),
            Printed(4.0, "stdout", "waiting for nginx to die"),
            Printed(7.0, "stdout", "waiting for nginx to die"),
            Signalled(10.001, 1, KILL, OUTSIDE, Fate.DEFAULT),
            Died(10.002, 1, signal=KILL, sender=OUTSIDE),
            *torn_down(10.0025, 8),
            *torn_down(10.0026, 12),
            *torn_down(10.0027, 14),
            *torn_down(10.0028, 15),
        ],
        Stop(took=10.002, killed=True, exit=137),
        Finding(
            "EW301",
            "supervisord did not end within the grace of 10 s",
            "set stopwaitsecs so that all programs fit",
            (1,),
        ),
        Finding(
            "EW401",
            "worker.py was never told: its shell died of SIGTERM without passing it on",
            "set stopasgroup=true",
            (12,),
        ),
        Finding(
            "EW403",
            "redis-server was a zombie for 0.98 s",
            "wait for children when they end",
            (10,),
            Severity.WARNING,
        ),
        ending=Ending.KILLED,
        engine="docker",
        witness=Witness("seccomp", 0, ("signals from outside the container are inferred from masks",)),
        notes=("output after 1 MB was dropped",),
    )


def group() -> Report:
    """Return a group broadcast with requests across the stop: heard, died, ignored, blocked, and a zombie."""
    requests = [
        *(Request(Group.BEFORE, -0.4 + n / 100, -0.39 + n / 100, Outcome.OK, 200) for n in range(38)),
        *(Request(Group.SLOW, -0.05, 0.21, Outcome.OK_CLOSE, 200) for _ in range(3)),
        Request(Group.SLOW, -0.04, 0.3, Outcome.CUT, 200),
        *(Request(Group.IDLE, -0.3, 0.03 + n / 500, Outcome.REFUSED) for n in range(8)),
        *(
            Request(Group.NEW, 0.01 * n, 0.01 * n + 0.004, Outcome.RESET if n < 9 else Outcome.REFUSED)
            for n in range(1, 38)
        ),
        Request(Group.HALF_SENT, -0.01, None, Outcome.HUNG),
    ]
    return report(
        [
            *started(-1.5, 1, 0, "dumb-init", "--", "sh", "run.sh"),
            *started(-1.45, 2, 1, "sh", "run.sh"),
            *started(-1.4, 3, 2, "gunicorn", "app:wsgi"),
            *started(-1.2, 4, 3),
            *started(-1.2, 5, 3),
            *started(-1.1, 6, 2, "tail", "-f", "access.log"),
            *started(-0.8, 7, 3, "convert", "in.png"),
            Died(-0.55, 7, code=2),
            Signalled(0, 1, TERM, OUTSIDE, Fate.SIGNALFD),
            *(
                Signalled(0.001 + pid / 1e5, pid, TERM, by(1), fate)
                for pid, fate in (
                    (2, Fate.DEFAULT),
                    (3, Fate.HANDLER),
                    (4, Fate.PENDING),
                    (5, Fate.HANDLER),
                    (6, Fate.IGNORED),
                )
            ),
            Died(0.0015, 2, signal=TERM, sender=by(1)),
            Reaped(0.002, 2, 1),
            Adopted(0.0015, 3, 1),
            Adopted(0.0015, 6, 1),
            Signalled(0.07, 5, INT, by(3), Fate.HANDLER),
            Died(0.1, 5, code=0),
            Reaped(0.25, 5, 3),
            Signalled(0.2, 4, KILL, by(3), Fate.DEFAULT),
            Died(0.2, 4, signal=KILL, sender=by(3)),
            Died(0.31, 3, code=1),
            Reaped(0.315, 3, 1),
            Died(0.33, 1, code=143),
            *torn_down(0.3305, 6),
            Printed(-1.0, "stdout", "Listening at: http://0.0.0.0:8000"),
            Printed(0.01, "stderr", "Handling signal: term"),
            Printed(0.3, "stderr", "Worker (pid:4) was killed"),
        ],
        Stop(took=0.33, exit=143),
        Finding(
            "EW402",
            "tail ignored SIGTERM and was cut short at the end of PID 1",
            "wait for it, or kill it in the script",
            (6,),
        ),
        Finding(
            "EW405",
            "10 requests were lost: 8 reset, 1 cut, 1 hung",
            "stop listening before the workers leave; send `Connection: close`",
        ),
        Finding(
            "EW501",
            "the exit status 143 says killed by SIGTERM although the work was done",
            "exit 0 after a clean stop",
            (1,),
            Severity.WARNING,
        ),
        traffic=Traffic("http://127.0.0.1:8000/", tuple(requests)),
    )


def storm() -> Report:
    """Return a script whose trap runs `kill 0`: a thousand signals."""
    signals = (
        Signalled(0.001 + n * 0.0004, 1 + n % 3, TERM, by(1 + n % 2), Fate.MERGED if n % 3 else Fate.HANDLER)
        for n in range(1000)
    )
    lone = (Signalled(0.01 * n, 3, USR1, by(2), Fate.HANDLER) for n in range(50))
    return report(
        [
            *started(-0.5, 1, 0, "bash", "./storm.sh"),
            *started(-0.4, 2, 1, "sleep", "100"),
            *started(-0.4, 3, 1, "sleep", "200"),
            Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER),
            *signals,
            *lone,
            Died(0.41, 2, signal=TERM, sender=by(1)),
            Reaped(0.411, 2, 1),
            Died(0.42, 3, signal=TERM, sender=by(1)),
            Reaped(0.421, 3, 1),
            Died(0.5, 1, code=143),
        ],
        Stop(took=0.5, exit=143),
        Finding(
            "EW404",
            "a storm of 1000 signals",
            "clear the trap first: trap '' TERM; kill 0",
            (1,),
            Severity.WARNING,
        ),
        ending=Ending.WELL,
    )


def crowd() -> Report:
    """Return 300 processes: a pool of pairs, workers that are all the same, and a few that are not."""
    events: list[Event] = [*started(-5, 1, 0, "pool-master", "--workers", "240")]
    for n in range(240):
        pid = 10 + n
        events += started(-4.9 + n * 0.002, pid, 1, "worker", f"--id={n}")
        events.append(Signalled(0.002 + n * 1e-5, pid, TERM, by(1), Fate.HANDLER))
        if n == 17:
            events += torn_down(0.9, pid)
        else:
            events += [Died(0.1 + n * 0.001, pid, code=0), Reaped(0.1005 + n * 0.001, pid, 1)]
    for n in range(29):
        shell, child = 300 + 2 * n, 301 + 2 * n
        events += started(-4 + n * 0.01, shell, 1, "sh", "-c", f"tailer {n}")
        events += started(-3.9 + n * 0.01, child, shell, "tailer", str(n))
        events += [*torn_down(0.9, shell), *torn_down(0.9, child)]
    events += started(-1, 400, 1, "odd-one")
    events += [Died(0.5, 400, code=3)]
    events += [Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER), Died(0.899, 1, code=0)]
    return report(
        events,
        Stop(took=0.899, exit=0),
        Finding("EW401", "58 processes were never told", "tell the whole tree", tuple(range(300, 358))),
        Finding("EW402", "worker was cut short", "wait for it", (27,)),
    )


def weird() -> Report:
    """Return names and output that try to move the cursor, turn the line round, or break the markup."""
    return report(
        [
            *started(-0.5, 1, 0, "/bin/\x1b[31mred\x1b[0m", "</script><script>alert(1)</script>", "a\nb"),
            *started(-0.4, 2, 1, "日本語のプログラム", "ずっと長い引数がここにあります", "--ok"),
            *started(-0.3, 3, 1, "\u202egnp.exe", "z\u0300\u0301\u0302\u0303\u0304"),
            *started(-0.2, 4, 1, "\udcff\udcfe", "caf\u00e9", "\U0001f980"),
            *started(-0.1, 5, 1, ""),
            Printed(-0.1, "stdout", "\x1b]0;title\x07\x1b[2J" + "x" * 300),
            Printed(-0.05, "stderr", "tab\there & <b>bold</b> ]]> --> \ufffe \ud800"),
            Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER),
            *(Signalled(0.01, pid, Signal(37), by(1), Fate.SIGWAIT) for pid in (2, 3, 4, 5)),
            *(Died(0.02, pid, code=0) for pid in (2, 3, 4, 5)),
            *(Reaped(0.021, pid, 1) for pid in (2, 3, 4, 5)),
            Died(0.03, 1, code=0),
        ],
        Stop(took=0.03, exit=0, grace=math.inf),
        Finding(
            "EW<1>",
            "message with \x1b[31m and <i>markup</i> & \u202eforms",
            'do "this"',
            (1, 2),
            Severity.WARNING,
        ),
        ending=Ending.WELL,
        notes=("output of \x07 was dropped",),
        engine="lo<cal",
    )


def early() -> Report:
    """Return a program that had ended before anybody asked it to."""
    return report(
        [
            *started(-1.2, 1, 0, "python3", "-m", "missing"),
            Printed(-1.1, "stderr", "No module named missing"),
            Died(-1.0, 1, code=1),
        ],
        Stop(took=0, exit=1, asked=False),
        Finding("EW502", "it ended 0.2 s after its start, before the stop", "look at its output", (1,)),
        ending=Ending.UNKNOWN,
    )


def lossy() -> Report:
    """Return a run of which the observer has lost something: nobody can tell."""
    return report(
        [*started(-1.2, 1, 0, "app"), Signalled(0, 1, KILL, OUTSIDE, Fate.DEFAULT)],
        Stop(took=0.01, exit=None, way=Way.KILL),
        verdict=Verdict.UNKNOWN,
        ending=Ending.UNKNOWN,
        witness=Witness("tracefs", 3546, ("the exit status of PID 1 was not seen",)),
    )


def crash() -> Report:
    """Return a wrapper that forked many helpers at its start, and crashed when it was told."""
    events: list[Event] = [*started(-1.5, 1, 0, "bash", "./wrapper"), Executed(-0.6, 1, ("./app",))]
    for n in range(18):
        shell, helper = 2 + 2 * n, 3 + 2 * n
        at = -1.4 + n / 30
        events += [*started(at, shell, 1), *started(at + 0.005, helper, shell, "readlink", f"step{n}")]
        events += [Died(at + 0.01, helper, code=n % 2), Reaped(at + 0.011, helper, shell)]
        # The last one is not collected: a zombie at the stop.
        events += [Died(at + 0.02, shell, code=0), *([Reaped(at + 0.021, shell, 1)] if n < 17 else [])]
    events += [*started(-0.5, 40, 1, "migrate"), Died(-0.4, 40, code=1), Reaped(-0.399, 40, 1)]
    events += [
        Signalled(0, 1, TERM, OUTSIDE, Fate.HANDLER),
        Signalled(0.01, 1, Signal(11), Sender(Origin.KERNEL), Fate.DEFAULT),
        Died(0.011, 1, signal=Signal(11), sender=Sender(Origin.KERNEL)),
    ]
    return report(
        events,
        Stop(took=0.011, exit=139),
        Finding("EW503", "PID 1 (app) crashed during the stop: it died of SIGSEGV", "find out why", (1,)),
        Finding("EW504", "migrate failed", "look at its output", (40,), Severity.WARNING),
        ending=Ending.WELL,
    )


REPORTS: dict[str, Callable[[], Report]] = {
    one.__name__.replace("_", "-"): one
    for one in (well, never_told, killed_by_engine, group, storm, crowd, weird, early, lossy, crash)
}
