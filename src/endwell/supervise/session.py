"""One run of a project, from its start to its account: everything that is one per container."""

from __future__ import annotations

import gc
import os
import resource
import time
from typing import TYPE_CHECKING

from endwell.records import dataclass
from endwell.supervise.account import Account
from endwell.supervise.control.office import Office
from endwell.supervise.control.places import UnusableError, open_listening
from endwell.supervise.entrance import DoorError, Entrance
from endwell.supervise.hearing import Hearing
from endwell.supervise.logs.capture import Capture
from endwell.supervise.manner import Plain
from endwell.supervise.mistakes import Mistakes
from endwell.supervise.recipe import Recipe
from endwell.supervise.reloading import Reloading
from endwell.supervise.report_file import write_report
from endwell.supervise.sockets import Sockets
from endwell.supervise.supervisor import Supervisor
from endwell.supervise.watcher import LoopWatcher
from endwell.system import spawn
from endwell.system.loop import Loop
from endwell.system.spawn_error import hint

if TYPE_CHECKING:
    from endwell.model.project import Project
    from endwell.supervise.last_plan import LastPlan
    from endwell.supervise.manner import Manner
    from endwell.supervise.reading import Rereader


UNUSABLE = 2  # the status of one who cannot begin, as for a command line that cannot be used
_LEAST_FILES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line adds to the file.

    Args:
        report: where the account goes as JSON; empty for nowhere.
        exit_code_from: the service whose exit status is ours; empty for none.
        read: reads the file again; None: nothing is reloaded.
        last_plan: what is left for whoever ends the services should we be killed; None: nobody would.
        identifier: what supervisord's clients and listeners know us by.
        socket: where clients connect, instead of what the file says; `none` for nowhere.
    """

    report: str = ""
    exit_code_from: str = ""
    read: Rereader | None = None
    last_plan: LastPlan | None = None
    identifier: str = "supervisor"
    socket: str = ""


def run(project: Project, wishes: Wishes, manner: Manner | None = None) -> int:
    """Run a project until its end; returns the exit status of the container.

    Args:
        project: what is to be run.
        wishes: what the command line adds to it.
        manner: how it shows itself; None: as `endwell up`.

    To be called once in a process, from its only thread.

    Raises:
        OrderError: its services cannot be brought into an order.
    """
    manner = manner or Plain()
    loop = Loop()
    try:
        files = _prepare()
        listening = open_listening(wishes.socket or project.socket, os.environ, manner.say)
    except UnusableError as error:
        manner.refuse(str(error))
        return UNUSABLE
    account = Account(project.given, wishes.exit_code_from)
    watcher = LoopWatcher(loop)
    streams = Capture(watcher, loop.now, time.time, manner.say)
    watcher.tick = streams.tick
    streams.expect(project.services)
    mistakes = Mistakes(manner.say, loop.now)
    supervisor = Supervisor(
        project,
        loop,
        streams,
        Recipe.of_ours(os.environ, files),
        account,
        mistakes=mistakes,
        last_plan=wishes.last_plan,
    )
    streams.outlived = wishes.last_plan is not None
    lives = supervisor.ensemble.lives
    supervisor.listeners.append(manner.listener(lives))
    supervisor.hurries = manner.hurries
    supervisor.on_stop.append(manner.stopping)
    supervisor.on_reopen.append(manner.reopened)
    reloading = None
    if wishes.read is not None:
        reloading = Reloading(supervisor, wishes.read, loop.now, manner.say)
    hearing = Hearing(supervisor, loop, wishes.identifier, manner.say)
    Sockets(supervisor)
    office = Office(
        supervisor,
        loop,
        streams,
        listening=listening,
        reading=lambda: None if reloading is None else reloading.known,
        reloading=reloading,
        hearing=hearing,
        own_log=manner.log,
        mistaken=mistakes.note,
    )
    entrance = None
    if reloading is not None:
        entrance = Entrance(supervisor, loop, office, reloading, manner.say)
        try:
            entrance.open()
        except DoorError as error:
            manner.refuse(str(error))
            office.close()
            return UNUSABLE
    supervisor.listen()  # whoever reads that we have begun may tell us to stop, and our pidfile is to go then
    manner.begun()
    supervisor.start()
    # Whoever has read the file may have put this off; what is there by now stays.
    gc.freeze()
    gc.enable()
    supervisor.run()
    office.close()
    if entrance is not None:
        entrance.close()
    for line in account.lines(lives.values()):
        manner.tell(line)
    manner.over()
    if wishes.report:
        write_report(wishes.report, account.report(lives.values()), manner.say)
    return account.status(lives.values())


def _prepare() -> int | None:
    """Make of us what programs are to inherit; return what our limit of open files was if it was raised.

    Raises:
        UnusableError: there is no /proc, or there may be too few open files.
    """
    before = _more_files()
    try:
        spawn.seal()
    except FileNotFoundError as error:
        raise UnusableError(
            "cannot see processes without /proc; mount it there with mount -t proc"
        ) from error
    except OSError as error:
        raise UnusableError(f"cannot begin: {error.strerror}{hint(error.errno)}") from error
    spawn.scour()
    return before


def _more_files() -> int | None:
    """Raise our own limit of open files, two or three of which each service takes; return what it was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < _LEAST_FILES:
        raise UnusableError(
            f"cannot do with {hard} open files; raise nofile (ulimit -n) to {_LEAST_FILES} at least"
        )
    if soft == hard:
        return None
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft
