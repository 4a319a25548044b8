"""Every scenario by name: the field's 31, and those that go further."""

from __future__ import annotations

from tests.scenarios.field import FIELD, READY
from tests.scenarios.model import End, Ended, Printed, Scenario, Status, Stop, Within
from tests.scenarios.shots import before_exec

FURTHER = (
    Scenario(
        name="orphans_10000",
        sentence="no zombie stays of 10 000 orphans",
        command=("{makes-orphans}", "10000"),
        steps=(READY, End()),
        passed=(Printed("0 zombies"), Status(0)),
    ),
    Scenario(
        name="signal_before_exec",
        sentence="of 20 TERMs sent while the child is held inside its exec none is lost",
        command=("{no-handler}",),
        play=before_exec,
        local_only=True,
    ),
    Scenario(
        name="stdio_closed",
        sentence="closed standard input, output and error do not keep the command from running",
        around=("{closes-stdio}",),
        command=("{shows-arguments}",),
        steps=(End(),),
        passed=(Status(5),),
    ),
    Scenario(
        name="term_ignored",
        sentence="a caller that ignores TERM and CHLD does not keep a stop from arriving",
        around=("{ignores-signals}",),
        command=("{handles-term}",),
        steps=(READY, Stop()),
        passed=(Status(7),),
    ),
    Scenario(
        name="keeps_mask",
        sentence="signals that the caller blocked stay blocked for the command, and no others",
        around=("{blocks-signals}",),
        command=("{shows-signals}",),
        steps=(READY, End()),
        passed=(Printed("blocked 0000008000000800"), Status(0)),
    ),
    Scenario(
        name="root_child_stop",
        sentence="a command that may not be signalled does not make the engine kill everything",
        around=("{drops-kill}",),
        command=("{becomes-another-user}", "stays"),
        steps=(READY, Stop()),
        passed=(Ended(),),
        root=True,
    ),
    Scenario(
        name="stubborn_worker",
        sentence="a worker that ignores TERM is killed in time, and the main process's 7 comes out",
        command=("{stubborn-worker}",),
        steps=(READY, Stop()),
        passed=(Status(7),),
    ),
    Scenario(
        name="stopped_when_told",
        sentence="a main process that is stopped once it was told is continued, not waited for",
        command=("{stops-when-told}",),
        steps=(READY, Stop()),
        # Sooner than the main process's share of the grace, after which everything left is continued anyway.
        passed=(Printed("flushed"), Ended(), Within(1.2)),
    ),
    Scenario(
        name="forks_when_told",
        sentence="a process that is born during the stop, in a session of its own, finishes too",
        command=("{forks-when-told}",),
        steps=(READY, Stop()),
        passed=(Printed("flushed"), Ended()),
    ),
    Scenario(
        name="hundred_sessions",
        sentence="a hundred workers in sessions of their own are all told",
        command=("{hundred-sessions}",),
        steps=(READY, Stop()),
        passed=tuple(Printed(f"flushed {number}") for number in range(100)),
    ),
)

SCENARIOS = {scenario.name: scenario for scenario in (*FIELD, *FURTHER)}
