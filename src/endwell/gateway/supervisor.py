"""The supervisor as supervisord's clients expect it: it answers nothing while it restarts or ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from endwell.gateway.faults import FaultError
from endwell.gateway.log import FileLog, HeldLog, NoLog
from endwell.gateway.rows import asked, split
from endwell.model.control import ControlError, Kind
from endwell.model.faults import Fault
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from endwell.gateway.control import Control
    from endwell.gateway.log import Log
    from endwell.gateway.rows import Row
    from endwell.model.control import Value

RUNNING = "RUNNING"
STREAMS = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is at one moment.

    Args:
        project: as `ps` has it.
        rows: in the order of the file.
    """

    project: Mapping[str, Any]
    rows: tuple[Row, ...]

    @property
    def log(self) -> str | None:
        """The path of the supervisor's own log; None if it has none."""
        return self.project.get("log") or None

    def group(self, name: str, said: str = "") -> list[Row]:
        """Return all of a group.

        Args:
            name: of the group.
            said: what the client has said instead, such as `name:*`.

        Raises:
            FaultError: BAD_NAME: there is none.
        """
        found = [row for row in self.rows if row["group"] == name]
        if not found:
            raise FaultError(Fault.BAD_NAME, said or name)
        return found

    def process(self, name: str) -> Row:
        """Return a process.

        Raises:
            FaultError: BAD_NAME: there is none, or it is the name of a group.
        """
        group, process = split(name)
        for row in self.rows:
            if row["group"] == group and row["process"] == process:
                return row
        raise FaultError(Fault.BAD_NAME, name)


class Supervisor:
    """It.

    Args:
        control: how it is asked.
    """

    def __init__(self, control: Control) -> None:
        self.control = control

    async def scene(self) -> Scene:
        """Look at everything.

        Raises:
            FaultError: SHUTDOWN_STATE.
        """
        seen = await self.ask("ps")
        _check(seen["project"]["state"])
        return Scene(seen["project"], tuple(seen["services"]))

    async def check(self) -> None:
        """See only whether it still answers.

        Raises:
            FaultError: SHUTDOWN_STATE.
        """
        _check((await self.ask("version"))["state"])

    async def ask(self, do: str, **arguments: object) -> Value:
        """Ask; what the supervisor refuses is for the caller, but that it is stopping is the same everywhere.

        Raises:
            FaultError: SHUTDOWN_STATE.
            ControlError: it refuses for another reason.
        """
        try:
            return await self.control.ask(do, **arguments)
        except ControlError as error:
            if error.kind is Kind.STOPPING:
                raise FaultError(Fault.SHUTDOWN_STATE) from None
            raise

    async def logs(self, rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
        """Return by the names of rows where the file lets their stdout and stderr go; empty for nowhere."""
        found = {}
        said: dict[str, Mapping[str, Any]] | None = None
        for row in rows:
            paths = []
            for stream in STREAMS:
                if row[stream]:
                    paths.append(str(row[stream]["path"]))
                    continue
                # The container's own output or nothing: only the file's own words say which.
                said = await self._programs_by_name() if said is None else said
                paths.append(str(said.get(asked(row), {}).get(f"{stream}_logfile") or ""))
            found[asked(row)] = (paths[0], paths[1])
        return found

    async def _programs_by_name(self) -> dict[str, Mapping[str, Any]]:
        return {f"{one['group']}:{one['name']}": one for one in await self.programs()}

    async def programs(self) -> list[Mapping[str, Any]]:
        """Return what the file says of each program, in supervisord's words."""
        programs: list[Mapping[str, Any]] = (await self.ask("config"))["programs"]
        return programs

    async def log(self, row: Row, stream: str) -> Log:
        """Return what a process has written to a stream, as far as it is kept."""
        if row[stream]:
            return FileLog(str(row[stream]["path"]), temporary=bool(row[stream].get("temporary")))
        if await self.is_shown(row, stream):
            return HeldLog(self.control, asked(row), stream)
        return NoLog()

    async def is_shown(self, row: Row, stream: str) -> bool:
        """Whether a stream that goes to no file goes to the container's own output, and not nowhere."""
        return bool((await self.logs([row]))[asked(row)][STREAMS.index(stream)])


def _check(state: str) -> None:
    if state != RUNNING:
        raise FaultError(Fault.SHUTDOWN_STATE)
