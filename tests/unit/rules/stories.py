"""For every rule a story in which it has something to say, and one in which it nearly has.

Each story says exactly which findings there are: what precedence makes of several is tested with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.finding import Ending
from endwell.model.signals import HUP, INT, KILL, QUIT, TERM, Signal
from endwell.model.timeline import Died, Fate, OpenFile, Way
from endwell.model.traffic import Group, Outcome
from endwell.records import dataclass, replace
from tests.unit.rules.build import Story

if TYPE_CHECKING:
    from collections.abc import Callable

SEGV = Signal.parse("SEGV")
WELL, PARTIAL, KILLED, UNKNOWN = Ending.WELL, Ending.PARTIAL, Ending.KILLED, Ending.UNKNOWN


@dataclass(frozen=True, slots=True)
class Told:
    """A story, and what is found in it: codes with ! are errors, the others warnings."""

    name: str
    tell: Callable[[], Story]
    found: str
    ending: Ending
    about: str


STORIES: list[Told] = []


def tells(found: str, ending: Ending, *, about: str = "") -> Callable[[Callable[[], Story]], None]:
    """Keep a story; `about` is the rule it is told for, by default the first one that finds something."""

    def keep(tell: Callable[[], Story]) -> None:
        STORIES.append(
            Told(
                tell.__name__,
                tell,
                found,
                ending,
                about or found.split("!", maxsplit=1)[0].split(maxsplit=1)[0],
            )
        )

    return keep


# ------------------------------------------------------------------------------------------------------ EW1xx


@tells("EW101!", KILLED)
def shell_form() -> Story:
    story = Story()
    story.start("sh", "-c", "python3 app.py; true")
    story.fork("python3", "app.py")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW101!", KILLED)
def pipe_in_a_shell() -> Story:
    story = Story(grace=0.5)
    story.start("sh", "-c", "./app | cat")
    story.fork("/usr/bin/python3", "./app")
    story.fork("cat")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW101!", KILLED)
def two_programs_in_a_shell() -> Story:
    story = Story()
    story.start("sh", "-c", "./app & sleep 1000; true")
    story.fork("./app")
    story.fork("sleep", "1000")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW101!", KILLED)
def python_script_in_a_shell() -> Story:
    story = Story()
    story.start("bash", "-eo", "pipefail", "-c", "MODE=fast ./app -v; true")
    story.fork("/usr/bin/python3", "./app", "-v")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW101!", KILLED)
def python_script_in_a_script() -> Story:
    story = Story()
    story.start("/bin/sh", "/entrypoint.sh")
    story.fork("/usr/bin/python3", "/srv/app")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW103! EW501", PARTIAL)
def tini_and_a_shell_with_two_programs() -> Story:
    story = Story()
    story.start("tini", "--", "sh", "-c", "app & worker")
    shell = story.fork("sh", "-c", "app & worker")
    story.fork("app", parent=shell)
    story.fork("worker", parent=shell)
    story.stop(Fate.SIGWAIT)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.leaves(code=143, at=0.03)
    return story


@tells("EW101!", KILLED)
def script_with_a_whole_tree_behind_it() -> Story:
    story = Story()
    story.start("/bin/bash", "/entrypoint.sh")
    app = story.fork("app")
    story.fork(parent=app)
    story.fork("sleep", "9")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW201!", KILLED, about="EW101")
def shell_without_a_child() -> Story:
    story = Story()
    story.start("sh")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("", WELL, about="EW101")
def shell_that_passes_it_on_and_waits() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.HANDLER)
    story.exits(app)
    story.leaves(at=0.2)
    return story


@tells("EW102!", KILLED)
def lock_in_front() -> Story:
    story = Story()
    story.start("flock", "/tmp/lock", "app")
    story.fork("app")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW102! EW504", PARTIAL)
def npm_tells_its_shell() -> Story:
    story = Story()
    story.start("npm start")
    shell = story.fork("sh", "-c", "node server.js")
    story.fork("node", "server.js", parent=shell)
    story.stop(Fate.HANDLER)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.leaves(code=1, at=0.5)
    return story


@tells("EW102! EW501", PARTIAL)
def su_kills_the_program_after_two_seconds() -> Story:
    story = Story()
    story.start("su", "app", "-c", "app; true")
    shell = story.fork("sh", "-c", "app; true")
    app = story.fork("app", parent=shell)
    story.stop(Fate.HANDLER)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.adopt(app, at=0.02)
    story.leaves(code=143, at=2.0)
    return story


@tells("", WELL, about="EW102")
def timeout_passes_it_on() -> Story:
    story = Story()
    story.start("timeout", "60", "app")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.HANDLER)
    story.exits(app)
    story.leaves(code=143, at=0.2)
    return story


@tells("EW103! EW501", PARTIAL)
def tini_and_a_shell() -> Story:
    story = Story()
    story.start("tini", "--", "sh", "-c", "app; true")
    shell = story.fork("sh", "-c", "app; true")
    app = story.fork("app", parent=shell)
    story.stop(Fate.SIGWAIT)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.adopt(app, at=0.02)
    story.leaves(code=143, at=0.03)
    return story


@tells("EW103! EW501", PARTIAL)
def tini_and_a_shell_that_was_looked_at_too_late() -> Story:
    story = Story()
    story.start("tini", "--", "sh", "-c", "app; true")
    shell = story.fork("sh", "-c", "app; true")
    story.fork("app", parent=shell)
    story.stop(Fate.SIGWAIT)
    story.tell(shell, Fate.TOO_LATE)
    story.dies(shell, TERM, by=1)
    story.leaves(code=143, at=0.03)
    return story


@tells("", WELL, about="EW103")
def tini_and_the_program() -> Story:
    story = Story()
    story.start("tini", "--", "app")
    app = story.fork("app")
    story.stop(Fate.SIGWAIT)
    story.tell(app, Fate.HANDLER)
    story.exits(app)
    story.leaves(at=0.2)
    return story


@tells("EW104! EW501", PARTIAL)
def supervised_through_a_shell() -> Story:
    story = Story()
    story.start("/usr/bin/python3", "/usr/bin/supervisord", "-n")
    shell = story.fork("sh", "-c", "app; true")
    app = story.fork("app", parent=shell)
    story.stop(Fate.HANDLER)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.adopt(app, at=0.02)
    story.leaves(at=0.2)
    return story


@tells("", WELL, about="EW104")
def supervised_through_a_shell_told_as_a_group() -> Story:
    story = Story()
    story.start("/usr/bin/python3", "/usr/bin/supervisord", "-n")
    shell = story.fork("sh", "-c", "app; true")
    app = story.fork("app", parent=shell)
    story.stop(Fate.HANDLER)
    story.tell(shell, Fate.DEFAULT)
    story.tell(app, Fate.HANDLER)
    story.dies(shell, TERM, by=1)
    story.exits(app)
    story.leaves(at=0.2)
    return story


# ------------------------------------------------------------------------------------------------------ EW2xx


@tells("EW201!", KILLED)
def python_without_a_handler() -> Story:
    story = Story()
    story.start("python3", "app.py")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW201! EW402!", KILLED)
def parent_without_a_handler() -> Story:
    story = Story()
    story.start("app")
    story.fork()
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW201!", WELL)
def ends_by_itself_without_having_heard() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.DISCARDED)
    story.leaves(at=2.8)
    return story


@tells("", WELL, about="EW201")
def handles_the_signal() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW202!", WELL)
def ignores_the_signal_and_ends_by_itself() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.IGNORED)
    story.leaves(at=2.8)
    return story


@tells("EW202!", KILLED)
def ignores_the_signal() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.IGNORED)
    story.engine_kills()
    return story


@tells("EW202!", KILLED)
def waits_for_a_worker_that_ignores_the_signal() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.IGNORED)
    story.engine_kills()
    return story


@tells("EW202!", PARTIAL)
def supervisor_kills_one_that_ignores_the_signal() -> Story:
    story = Story()
    story.start("python3", "-m", "supervisor.supervisord")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.IGNORED)
    story.dies(app, KILL, at=3.0, by=1)
    story.leaves(at=3.1)
    return story


@tells("", WELL, about="EW202")
def ignores_one_signal_and_ends_by_the_next() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.IGNORED, signal=HUP)
    story.tell(worker, Fate.HANDLER)
    story.exits(worker)
    story.leaves(at=0.2)
    return story


@tells("EW203!", KILLED)
def blocks_the_signal() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.PENDING)
    story.engine_kills()
    return story


@tells("EW401! EW501", PARTIAL, about="EW203")
def pending_because_there_was_no_time() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.PENDING, at=0.0999)
    story.leaves(at=0.1)
    return story


@tells("EW204!", KILLED)
def takes_only_the_second_signal() -> Story:
    story = Story(way=Way.TWICE)
    story.start("app")
    story.stop(Fate.DISCARDED)
    story.stop(Fate.HANDLER, at=0.5)
    story.engine_kills()
    return story


@tells("EW204!", KILLED)
def script_still_preparing() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    waiting = story.fork("nc", "-z", "db", "5432")
    story.stop(Fate.DISCARDED)
    story.exits(waiting, at=1.0)
    story.execute(1, "app", at=1.1)
    story.engine_kills()
    return story


@tells("EW204!", KILLED)
def known_program_just_started() -> Story:
    story = Story()
    story.start("uvicorn", "app:app", at=-0.05)
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW201!", KILLED, about="EW204")
def known_program_started_long_ago() -> Story:
    story = Story()
    story.start("uvicorn", "app:app", at=-5.0)
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW205", WELL)
def nginx_told_term() -> Story:
    story = Story()
    story.start("nginx: master process nginx -g daemon off;")
    worker = story.fork("nginx: worker process")
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.HANDLER)
    story.exits(worker, at=0.05)
    story.leaves()
    return story


@tells("EW205! EW405!", WELL)
def nginx_told_term_with_a_request_in_flight() -> Story:
    story = Story()
    story.start("nginx", "-g", "daemon off;")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.IN_FLIGHT, Outcome.CUT)
    return story


@tells("EW205!", KILLED)
def waitress_told_term() -> Story:
    story = Story()
    story.start("waitress-serve", "app:app")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW205!", KILLED)
def postgres_with_an_idle_client() -> Story:
    story = Story()
    story.start("postgres", "-D", "/data")
    story.fork()
    story.stop(Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW205", WELL)
def supervised_nginx_told_term() -> Story:
    story = Story()
    story.start("supervisord", "-n")
    nginx = story.fork("nginx", "-g", "daemon off;")
    story.stop(Fate.HANDLER)
    story.tell(nginx, Fate.HANDLER)
    story.exits(nginx)
    story.leaves(at=0.2)
    return story


@tells("", WELL, about="EW205")
def nginx_told_quit() -> Story:
    story = Story(signal=QUIT)
    story.start("nginx", "-g", "daemon off;")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW206!", KILLED)
def raises_the_signal_again() -> Story:
    story = Story()
    story.start("node", "server.js")
    story.stop(Fate.HANDLER)
    story.tell(1, Fate.DISCARDED, by=1)
    story.engine_kills()
    return story


@tells("", WELL, about="EW206")
def raises_the_signal_again_and_exits() -> Story:
    story = Story()
    story.start("uvicorn", "app:app")
    story.stop(Fate.HANDLER)
    story.tell(1, Fate.DISCARDED, by=1)
    story.leaves(code=143)
    return story


# ------------------------------------------------------------------------------------------------------ EW3xx


@tells("EW301!", KILLED)
def too_slow() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW301!", KILLED)
def waits_for_a_slow_worker() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.SIGNALFD)
    story.tell(worker, Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW301!", KILLED)
def no_grace_at_all() -> Story:
    story = Story(grace=0.0)
    story.start("app")
    story.stop(Fate.HANDLER)
    story.engine_kills(at=0.001)
    return story


@tells("EW301!", KILLED)
def trap_that_runs_too_long() -> Story:
    return trap_that_was_reached(Story(grace=1.0))


@tells("EW301!", KILLED)
def trap_that_runs_too_long_told_twice() -> Story:
    story = trap_that_was_reached(Story(grace=1.0, way=Way.TWICE))
    story.stop(Fate.HANDLER, at=0.5)
    return story


def trap_that_was_reached(story: Story) -> Story:
    """The command in the foreground ends at once, and what the trap runs does not."""
    story.start("sh", "-c", 'trap "sleep 1.5; exit 0" TERM; while :; do sleep 0.1; done')
    for at in (-0.2, -0.1):
        story.exits(story.fork("sleep", "0.1", at=at), at=at + 0.09)
    sleep = story.fork("sleep", "0.1", at=-0.01)
    story.stop(Fate.HANDLER)
    story.exits(sleep, at=0.09)
    story.fork("sleep", "1.5", at=0.091)
    story.engine_kills()
    return story


@tells("EW301! EW302", KILLED, about="EW301")
def trap_that_came_late_and_ran_too_long() -> Story:
    story = Story()
    story.start("bash", "/entrypoint.sh")
    sleep = story.fork("sleep", "7")
    story.stop(Fate.HANDLER)
    story.exits(sleep, at=6.0)
    story.fork("pg_dump", at=6.1)
    story.engine_kills()
    return story


@tells("EW301!", KILLED)
def trap_that_does_not_end_the_loop() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    sleep = story.fork("sleep", "5", at=-1.5)
    story.stop(Fate.HANDLER)
    story.exits(sleep, at=0.5)
    story.fork("sleep", "5", at=0.501)
    story.engine_kills()
    return story


@tells("", KILLED, about="EW301")
def killed_on_request() -> Story:
    story = Story(way=Way.KILL)
    story.start("app")
    story.fork()
    story.engine_kills(at=0.0)
    return story


@tells("EW302!", KILLED)
def trap_and_the_program_in_the_foreground() -> Story:
    story = Story()
    story.start("bash", "/entrypoint.sh")
    story.fork("app")
    story.stop(Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW302!", KILLED)
def trap_and_a_python_script_in_the_foreground() -> Story:
    story = Story()
    story.start("sh", "-c", 'trap "exit 0" TERM; ./app; true')
    story.fork("/usr/bin/python3", "./app")
    story.stop(Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW302", WELL)
def trap_and_a_sleep_in_the_foreground() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    sleep = story.fork("sleep", "30")
    story.stop(Fate.HANDLER)
    story.exits(sleep, at=4.0)
    story.leaves(at=4.1)
    return story


@tells("EW302!", KILLED)
def command_that_the_kernel_kills_an_instant_before_its_shell() -> Story:
    story = Story()
    story.start("tini", "-g", "--", "app")
    shell = story.fork("sh", "/entrypoint.sh")
    app = story.fork("app", parent=shell)
    story.stop(Fate.SIGWAIT)
    story.tell(shell, Fate.HANDLER)
    story.engine_kills()
    story.events = [
        replace(one, at=one.at - 0.0001) if isinstance(one, Died) and one.pid == app else one
        for one in story.events
    ]
    return story


@tells("", WELL, about="EW302")
def trap_and_a_short_sleep() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    sleep = story.fork("sleep", "1")
    story.stop(Fate.HANDLER)
    story.exits(sleep, at=0.7)
    story.leaves(at=0.8)
    return story


@tells("EW301!", KILLED, about="EW302")
def trap_that_tells_a_program_that_is_too_slow() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.HANDLER)
    story.engine_kills()
    return story


@tells("EW303", WELL)
def close_to_the_grace() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(at=8.5)
    return story


@tells("", WELL, about="EW303")
def not_so_close_to_the_grace() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(at=7.9)
    return story


# ------------------------------------------------------------------------------------------------------ EW4xx


@tells("EW401! EW501", PARTIAL)
def leaves_before_its_worker() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.HANDLER)
    story.leaves(code=143)
    return story


@tells("EW401! EW501", PARTIAL)
def told_too_late() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.TOO_LATE)
    story.leaves()
    return story


@tells("EW401", PARTIAL)
def leaves_before_a_tee() -> Story:
    story = Story()
    story.start("app")
    tee = story.fork("tee", "log")
    story.stop(Fate.HANDLER)
    story.tell(tee, Fate.HANDLER)
    story.leaves()
    return story


@tells("", WELL, about="EW401")
def leaves_before_one_that_was_dying_anyway() -> Story:
    story = Story()
    story.start("dumb-init", "sh")
    shell = story.fork("sh")
    story.fork("sleep", "9", parent=shell)
    worker = story.fork("app", parent=shell)
    story.stop(Fate.SIGWAIT)
    for pid in (shell, shell + 1, worker):
        story.tell(pid, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.leaves(code=143, at=0.03)
    return story


@tells("EW402! EW501", PARTIAL)
def shell_leaves_without_a_word() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    story.fork("python3", "app.py")
    story.stop(Fate.HANDLER)
    story.leaves(at=0.012)
    return story


@tells("EW402", PARTIAL)
def sleep_in_the_background() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    story.fork("sleep", "1000")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW402", PARTIAL)
def session_from_outside() -> Story:
    story = Story()
    story.start("app")
    story.fork("bash", parent=0)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("", WELL, about="EW402")
def worker_that_ends_through_a_channel() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.exits(worker)
    story.leaves(at=0.2)
    return story


@tells("EW403", WELL)
def zombies() -> Story:
    story = Story()
    story.start("app")
    parent = story.fork("git", "fetch")
    child = story.fork("git", "gc", parent=parent)
    story.exits(parent, at=-0.9, reaped_by=1)
    story.adopt(child, at=-0.9)
    story.exits(child, at=-0.8, reaped_by=None)
    story.stop(Fate.HANDLER)
    story.leaves(at=0.3)
    return story


@tells("EW403", WELL)
def zombie_that_is_a_child_of_pid_1() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork("git", "gc")
    story.exits(worker, at=-0.8, reaped_by=None)
    story.stop(Fate.HANDLER)
    story.leaves(at=0.3)
    return story


@tells("EW403", WELL)
def many_zombies_of_a_moment() -> Story:
    return zombies_of_a_moment(10)


@tells("", WELL, about="EW403")
def some_zombies_of_a_moment() -> Story:
    return zombies_of_a_moment(9)


def zombies_of_a_moment(number: int) -> Story:
    """They ended shortly before the stop."""
    story = Story()
    story.start("app")
    for _ in range(number):
        story.exits(story.fork("git", "gc", at=-0.3), at=-0.2, reaped_by=None)
    story.stop(Fate.HANDLER)
    story.leaves(at=0.1)
    return story


@tells("", WELL, about="EW403")
def zombie_of_a_moment() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.exits(worker, at=0.1, reaped_by=None)
    story.leaves(at=0.2)
    return story


@tells("EW404! EW501", PARTIAL)
def daemon() -> Story:
    story = Story()
    story.start("app")
    starter = story.fork("nginx")
    master = story.fork(parent=starter, at=-0.9)
    story.exits(starter, at=-0.8)
    story.adopt(master, at=-0.8)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW404! EW501", PARTIAL)
def daemon_that_nobody_knows() -> Story:
    story = Story(grace=30.0)
    story.start("app")
    starter = story.fork("collector", "--background")
    daemon = story.fork(parent=starter, at=-0.9)
    story.exits(starter, at=-0.8)
    story.adopt(daemon, at=-0.8)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW201! EW404!", KILLED)
def daemon_and_a_tail() -> Story:
    story = Story()
    story.start("tail", "-f", "/dev/null")
    starter = story.fork("nginx")
    master = story.fork(parent=starter, at=-0.9)
    story.exits(starter, at=-0.8)
    story.adopt(master, at=-0.8)
    story.fork(parent=master, at=-0.7)
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW104! EW501", PARTIAL, about="EW404")
def orphan_of_the_stop_itself() -> Story:
    story = Story()
    story.start("app")
    shell = story.fork("sh", "-c", "worker; true")
    worker = story.fork("worker", parent=shell)
    story.stop(Fate.HANDLER)
    story.tell(shell, Fate.DEFAULT)
    story.dies(shell, TERM, by=1)
    story.adopt(worker, at=0.02)
    story.leaves()
    return story


@tells("EW405!", WELL)
def requests_cut() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.BEFORE, Outcome.OK, 50)
    story.request(Group.IN_FLIGHT, Outcome.CUT, 3)
    story.request(Group.SLOW, Outcome.HUNG)
    return story


@tells("EW405", WELL)
def requests_of_the_very_moment() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.IN_FLIGHT, Outcome.DROPPED, sent=-0.0004)
    return story


@tells("EW205 EW405", WELL)
def nginx_told_term_with_a_request_of_the_very_moment() -> Story:
    story = Story()
    story.start("nginx", "-g", "daemon off;")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.IN_FLIGHT, Outcome.CUT, sent=-0.0004)
    return story


@tells("EW405", WELL)
def half_sent_requests_dropped() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.HALF_SENT, Outcome.DROPPED)
    return story


@tells("", WELL, about="EW405")
def nothing_lost() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.BEFORE, Outcome.ERROR, 5)
    story.request(Group.IN_FLIGHT, Outcome.ERROR)
    story.request(Group.IN_FLIGHT, Outcome.OK_CLOSE)
    story.request(Group.NEW, Outcome.REFUSED, 70)
    return story


@tells("EW201! EW406!", KILLED, about="EW406")
def half_a_line() -> Story:
    story = Story()
    story.start("python3", "app.py")
    story.stop(Fate.DISCARDED)
    story.hold(1, OpenFile("/data/out.csv", 3, whole=False), at=9.9)
    story.engine_kills()
    return story


@tells("EW406! EW406", KILLED)
def files_at_a_kill() -> Story:
    story = Story(way=Way.KILL)
    story.start("app")
    story.hold(
        1, OpenFile("/data/temp-7.rdb", 100, whole=False), OpenFile("/data/x.bin", 9, whole=False), at=-0.1
    )
    story.engine_kills(at=0.0)
    return story


@tells("EW406!", KILLED)
def file_of_several_at_a_kill() -> Story:
    story = Story(way=Way.KILL)
    story.start("nginx")
    for pid in (1, story.fork(), story.fork()):
        files = (OpenFile(f"/data/{name}.log", size, whole=False) for name, size in (("e", 0), ("a", 7)))
        story.hold(pid, *files, at=-0.1)
    story.engine_kills(at=0.0)
    return story


@tells("EW406!", KILLED)
def files_of_a_database_at_a_kill() -> Story:
    story = Story(way=Way.KILL)
    story.start("redis-server")
    story.hold(
        1, OpenFile("/data/temp-7.rdb", 100, whole=False), OpenFile("/data/x.aof", 9, whole=False), at=-0.1
    )
    story.engine_kills(at=0.0)
    return story


@tells("", WELL, about="EW406")
def half_a_line_of_one_that_left() -> Story:
    story = Story()
    story.start("app")
    story.hold(1, OpenFile("/data/out.csv", 3, whole=False), at=-0.1)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW201!", KILLED, about="EW406")
def empty_file_and_a_log_with_whole_lines() -> Story:
    story = Story()
    story.start("app")
    story.hold(1, OpenFile("/data/out", 0, whole=True), OpenFile("/data/all.log", 9, whole=True), at=9.0)
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    return story


@tells("EW407!", WELL)
def kills_its_group_without_end() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(1, Fate.HANDLER, by=1, times=145)
    story.tell(app, Fate.HANDLER, by=1, times=145)
    story.exits(app, at=0.05)
    story.crashes(SEGV)
    return story


@tells("", WELL, about="EW407")
def kills_its_group_once() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(1, Fate.IGNORED, by=1)
    story.tell(app, Fate.HANDLER, by=1, times=20)
    story.exits(app)
    story.leaves(at=0.2)
    return story


@tells("EW408! EW501", PARTIAL)
def killed_without_a_word() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.dies(worker, KILL, by=1)
    story.leaves()
    return story


@tells("EW408", PARTIAL)
def killed_after_a_while() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.stop(Fate.HANDLER)
    story.tell(worker, Fate.HANDLER)
    story.dies(worker, KILL, at=3.0, by=1)
    story.leaves(at=3.1)
    return story


@tells("", WELL, about="EW408")
def killed_before_the_stop() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.dies(worker, KILL, at=-0.5, by=1)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW409!", WELL)
def connections_accepted_and_reset() -> Story:
    story = Story()
    story.start("gunicorn", "app:app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.NEW, Outcome.RESET, 70)
    story.request(Group.NEW, Outcome.REFUSED, 7)
    return story


@tells("", WELL, about="EW409")
def connections_refused() -> Story:
    story = Story()
    story.start("gunicorn", "app:app")
    story.stop(Fate.HANDLER)
    story.leaves()
    story.request(Group.NEW, Outcome.REFUSED, 77)
    return story


# ------------------------------------------------------------------------------------------------------ EW5xx


@tells("EW501!", WELL)
def hides_a_failure() -> Story:
    story = Story()
    story.start("sh", "/entrypoint.sh")
    app = story.fork("app")
    story.stop(Fate.HANDLER)
    story.tell(app, Fate.HANDLER)
    story.exits(app, code=1)
    story.leaves(at=0.2)
    return story


@tells("EW501", WELL)
def fakes_a_kill() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(code=137)
    return story


@tells("", WELL, about="EW501")
def ends_with_the_status_of_the_signal() -> Story:
    story = Story(signal=INT)
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(code=130)
    return story


@tells("EW502!", UNKNOWN)
def dies_at_once() -> Story:
    story = Story()
    story.start("app")
    story.ends_unasked(code=3)
    return story


@tells("EW502!", UNKNOWN)
def goes_to_the_background() -> Story:
    story = Story()
    story.start("nginx")
    story.fork()
    story.ends_unasked()
    return story


@tells("EW502!", UNKNOWN)
def crashes_at_its_start() -> Story:
    story = Story()
    story.start("app")
    story.crashes(SEGV, at=-0.5)
    story.how = replace(story.how, asked=False)
    return story


@tells("EW502!", UNKNOWN)
def killed_by_somebody_before_the_stop() -> Story:
    story = Story()
    story.start("app")
    story.dies(1, KILL, at=-0.5, by=0, reaped_by=None)
    story.how = replace(story.how, asked=False)
    return story


@tells("", WELL, about="EW502")
def ends_when_asked() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(at=0.0)
    return story


@tells("EW503!", WELL)
def crashes_when_told() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.crashes(SEGV)
    return story


@tells("EW503!", KILLED)
def killed_by_somebody_outside() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.dies(1, KILL, at=1.0, by=0, reaped_by=None)
    return story


@tells("", KILLED, about="EW503")
def killed_by_what_was_to_be_the_stop_signal() -> Story:
    story = Story(signal=KILL, way=Way.KILL)
    story.start("app")
    story.dies(1, KILL, at=0.0, by=0, reaped_by=None)
    return story


@tells("", KILLED, about="EW503")
def killed_by_the_stop_signal_of_its_image() -> Story:
    story = Story(signal=KILL)
    story.start("app")
    story.fork("worker")
    story.stop(Fate.DEFAULT)
    story.dies(1, KILL, at=0.001, by=0, reaped_by=None)
    story.how = replace(story.how, took=0.001, exit=137)
    return story


@tells("", WELL, about="EW503")
def crashed_long_before() -> Story:
    story = Story()
    story.start("app")
    worker = story.fork()
    story.dies(worker, SEGV, at=-0.5)
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW504", WELL)
def ends_with_one() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves(code=1)
    return story


@tells("EW202!", PARTIAL, about="EW504")
def init_passes_on_that_it_had_to_kill() -> Story:
    story = Story()
    story.start("endwell-init", "--", "app")
    app = story.fork("app")
    story.stop(Fate.SIGNALFD)
    story.tell(app, Fate.IGNORED)
    story.dies(app, KILL, at=6.0, by=1)
    story.leaves(code=137, at=6.1)
    return story


@tells("EW502!", UNKNOWN)
def fails_at_its_start_and_says_why() -> Story:
    story = Story()
    story.start("app")
    story.prints("no configuration")
    story.ends_unasked(code=3)
    return story


@tells("EW505!", WELL)
def command_that_never_succeeded() -> Story:
    story = Story()
    story.start("app", at=-0.5)
    story.never_ready("exec:pg_isready -q")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW505!", WELL)
def never_settled() -> Story:
    story = Story()
    story.start("app", at=-30.0)
    story.never_ready("listening or settled")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW505!", WELL)
def port_that_never_came() -> Story:
    story = Story()
    story.start("app")
    story.never_ready("tcp:8080")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("", WELL, about="EW505")
def nothing_was_waited_for() -> Story:
    story = Story()
    story.start("app")
    story.never_ready("settled")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW901", UNKNOWN)
def events_lost() -> Story:
    story = Story(lost=3)
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story


@tells("EW901", UNKNOWN)
def nothing_seen() -> Story:
    return Story()


@tells("", WELL, about="EW901")
def everything_seen() -> Story:
    story = Story()
    story.start("app")
    story.stop(Fate.HANDLER)
    story.leaves()
    return story
