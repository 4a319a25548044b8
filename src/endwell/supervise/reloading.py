"""A changed file is applied to what runs: without touching what is the same in both, or not at all.

Three ways lead there, and all of them end in `Ensemble.exchange`. `reload` applies the file as it is now.
SIGHUP does that too, except for a supervisord.conf, for which supervisord's documentation promises that all
is stopped, read and started again. And supervisord's client goes step by step: `reread` reads the file and
keeps what it says, `add` and `remove` apply that group by group.

What is active is kept here as the file had it. Where only some groups of a file are, one that waits for a
service of another group cannot wait for it: that is left out of its `after` until the other one is there.

The file is read before anything is stopped, so one that cannot be used changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.act import Act
from endwell.machine.changes import by_group, by_replica, group_of, groups
from endwell.machine.order import OrderError
from endwell.machine.reloading import Dropped, Renewing, Swapped
from endwell.machine.replica import Next, Phase
from endwell.machine.state import STOPPED_STATES, State
from endwell.model.control import ControlError, Kind
from endwell.model.project import ExitWhen, When
from endwell.records import replace
from endwell.supervise.applied import Applied
from endwell.supervise.reading import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from endwell.machine.changes import Changes, Names
    from endwell.model.project import Project
    from endwell.model.service import ServiceSpec
    from endwell.supervise.reading import Reading, Rereader
    from endwell.supervise.supervisor import Supervisor

Key = tuple[str, int]

_WHOLE = "nothing was changed: mend the file and reload again"


class Reloading:
    """Applies what a file of services says to those that run.

    Args:
        supervisor: of those that run.
        read: reads the file again, and knows what it said when they were started.
        now: the monotonic clock.
        say: told what was applied, and what has come of a SIGHUP, a line for each thing.

    Attributes:
        known: what the file said when it was last read: what `add` takes from.
        active: what those that run were started by, as a whole: what was last applied.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        read: Rereader,
        now: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self.known = self.active = read.first
        self._supervisor = supervisor
        self._read_again = read
        self._now = now
        self._say = say
        # What runs, or will when what is under way is done: as the file had it.
        self._specs = read.first.project.services
        self._own_words: dict[str, object] | None = None
        self._socket = read.first.project.socket
        self._waiting: list[tuple[Callable[[Applied | ControlError], None], Applied]] = []
        supervisor.listeners.append(self._heard)
        supervisor.hangup = self.hangup

    @property
    def anew(self) -> bool:
        """Whether everything is being stopped now, to be started anew."""
        return any(applied.anew for _, applied in self._waiting)

    # ------------------------------------------------------------------------------------------ asked for

    def reread(self) -> Names:
        """Read the file and keep what it says; return which groups are different from those that are active.

        Raises:
            ControlError: CONFIGURATION: it cannot be used, and nothing is kept; STOPPING.
        """
        self._check_ending()
        reading = self._read()
        found = groups(self._specs, reading.project.services, self._words, reading.words())
        self.known = reading
        return found

    def add(self, group: str) -> None:
        """Make a group of the file as it was last read active, and start what starts by itself.

        Raises:
            ControlError: BAD_NAME: there is none; ALREADY_ADDED: it is active; CONFIGURATION; STOPPING.
        """
        self._check_ending()
        found = tuple(spec for spec in self.known.project.services if group_of(spec) == group)
        if not found:
            raise ControlError(Kind.BAD_NAME, f"there is no group {group!r} in {self._path}: reread it first")
        if group in {group_of(spec) for spec in self._specs}:
            raise ControlError(Kind.ALREADY_ADDED, f"the group {group} is there already: remove it first")
        place = {spec.key: at for at, spec in enumerate(self.known.project.services)}
        specs = sorted((*self._specs, *found), key=lambda spec: place.get(spec.key, len(place)))
        self._apply_some(specs, {spec.key for spec in found if spec.autostart})
        words = self.known.words()
        if group in words:
            self._words[group] = words[group]

    def remove(self, group: str) -> None:
        """Forget a group of which nothing runs.

        Raises:
            ControlError: BAD_NAME: there is none; STILL_RUNNING: not all of it is over; CONFIGURATION;
                STOPPING.
        """
        self._check_ending()
        own = {spec.key for spec in self._specs if group_of(spec) == group}
        if not own:
            raise ControlError(Kind.BAD_NAME, f"there is no group {group!r}: see `endwell ps`")
        lives = self._supervisor.ensemble.lives
        running = [lives[key].spec.label for key in lives if key in own and not self._is_over(key)]
        if running:
            raise ControlError(
                Kind.STILL_RUNNING, f"{', '.join(running)} of the group {group} runs: stop it first"
            )
        self._apply_some([spec for spec in self._specs if spec.key not in own], set())
        self._words.pop(group, None)

    def reload(self, done: Callable[[Applied | ControlError], None]) -> None:
        """Apply the file as it is now.

        Args:
            done: called when that is done, perhaps before this returns; with STOPPING if the end comes first.

        Raises:
            ControlError: CONFIGURATION: it cannot be used, and nothing has changed; STOPPING.
        """
        self._check_ending()
        reading = self._read()
        old, new = self._specs, reading.project.services
        changes = by_replica(old, new)
        names = changes.services()
        if reading.by_group:
            names = groups(old, new, self._words, reading.words())
            changes = by_group(old, new, names.changed)
        wanted = self._to_start(changes, new)
        self._apply(reading, changes.away, wanted, (done, Applied(names, self._warnings(reading))))

    def renew(self, done: Callable[[Applied | ControlError], None], why: str = "") -> None:
        """Read the file, stop all, and start anew: what supervisord does on SIGHUP and its client's `reload`.

        Args:
            done: as for `reload`.
            why: the name of the signal that has asked for it, if one has.

        Raises:
            ControlError: as for `reload`.
        """
        self._check_ending()
        reading = self._read()
        new = reading.project.services
        changes = by_group(self._specs, new, {group_of(spec) for spec in new})
        names = groups(self._specs, new, self._words, reading.words())
        wanted = {spec.key for spec in new if spec.autostart}
        applied = Applied(names, self._warnings(reading), anew=True)
        self._apply(reading, changes.away, wanted, (done, applied), Renewing(why))

    def hangup(self) -> None:
        """Take a SIGHUP."""
        try:
            if self.known.by_group:
                self.renew(self._tell, "SIGHUP")
            else:
                self.reload(self._tell)
        except ControlError as error:
            self._tell(error)

    # ------------------------------------------------------------------------------------------------ how

    @property
    def _words(self) -> dict[str, object]:
        """What the file has said about each group that is active; found out when it is asked for."""
        if self._own_words is None:
            self._own_words = dict(self.active.words())
        return self._own_words

    @property
    def _path(self) -> str:
        return self.known.path or "the file"

    def _check_ending(self) -> None:
        if self._supervisor.ensemble.ending is not None:
            raise _stopping()

    def _read(self) -> Reading:
        try:
            return self._read_again()
        except UnreadableError as error:
            raise ControlError(
                Kind.CONFIGURATION, f"cannot use {self._path}, so {_WHOLE}", error.problems
            ) from None

    def _warnings(self, reading: Reading) -> tuple[str, ...]:
        if reading.project.socket == self._socket:
            return reading.warnings
        stays = "the socket stays where it is until the container is started again"
        return (*reading.warnings, f"{self._path}: {stays}")

    def _is_over(self, key: Key) -> bool:
        """Whether only what it has left behind is there, if anything, and its hooks; they are waited for."""
        life = self._supervisor.ensemble.lives[key]
        if life.state not in STOPPED_STATES or key in self._supervisor.ensemble.waiting:
            return False
        return life.at_rest or (life.phase is not Phase.PAUSED and life.next is Next.STAY)

    def _to_start(self, changes: Changes, new: Collection[ServiceSpec]) -> set[Key]:
        """Return who is started: whom the file wants to be, and who has changed while it was running."""
        lives, waiting = self._supervisor.ensemble.lives, self._supervisor.ensemble.waiting
        before = {spec.key: spec for spec in self._specs}
        wanted = set()
        for spec in new:
            key, life = spec.key, lives.get(spec.key)
            if key in changes.added or life is None:
                asked = spec.autostart
            elif key in changes.changed:
                asked = spec.autostart or not life.at_rest or key in waiting
            else:
                # It says only now that it is started with the others, and nobody has ever started it.
                now_asked = spec.autostart and not before[key].autostart
                asked = now_asked and life.state is State.STOPPED and life.spawned_at is None
            if asked:
                wanted.add(key)
        return wanted

    def _apply(
        self,
        reading: Reading,
        away: Collection[Key],
        wanted: Collection[Key],
        asked: tuple[Callable[[Applied | ControlError], None], Applied],
        renewing: Renewing | None = None,
    ) -> None:
        """Let a whole file take the place of what is active."""
        acts = self._exchange(reading.project, away, wanted)
        self.known = self.active = reading
        self._specs = reading.project.services
        self._own_words = None
        self._waiting.append(asked)
        if renewing is not None:
            acts.insert(0, Act(None, renewing))
        self._supervisor.do(acts)

    def _apply_some(self, specs: Collection[ServiceSpec], wanted: Collection[Key]) -> None:
        """Let some groups be all there is."""
        names = {spec.name for spec in specs}
        closed = tuple(
            replace(spec, after=tuple(need for need in spec.after if need.service in names)) for spec in specs
        )
        by_priority = (
            self.known.project.stop_by_priority
        )  # the priorities are those of the file as it is known
        project = replace(self.active.project, services=closed, stop_by_priority=by_priority)
        if project.exit_when.when is When.SERVICE_EXITS and project.exit_when.service not in names:
            project = replace(project, exit_when=ExitWhen())  # nobody is left whose end it could be
        away = {spec.key for spec in self._specs} - {spec.key for spec in specs}
        acts = self._exchange(project, away, wanted)
        self._specs = tuple(specs)
        self._supervisor.do(acts)

    def _exchange(self, project: Project, away: Collection[Key], wanted: Collection[Key]) -> list[Act]:
        try:
            return self._supervisor.ensemble.exchange(project, away, wanted, self._now())
        except OrderError as error:
            raise ControlError(
                Kind.CONFIGURATION, f"cannot bring the services into an order, so {_WHOLE}", (str(error),)
            ) from None

    def _heard(self, act: Act) -> None:
        if isinstance(act.effect, Swapped | Dropped):
            waiting, self._waiting = self._waiting, []
            for done, applied in waiting:
                if isinstance(act.effect, Swapped):
                    self._say(str(applied))
                    done(applied)
                else:
                    done(_stopping())

    def _tell(self, answer: Applied | ControlError) -> None:
        if isinstance(answer, ControlError):
            if answer.kind is not Kind.STOPPING:
                for line in (*answer.problems, answer.message):
                    self._say(f"SIGHUP: {line}")
            return
        for line in answer.warnings:
            self._say(f"SIGHUP: warning: {line}")


def _stopping() -> ControlError:
    return ControlError(Kind.STOPPING, "the container is ending: nothing is changed any more")
