"""What every program of a project is started with: its environment, its user, its place."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field
from endwell.system.program import Program
from endwell.system.spawn_error import NOT_EXECUTABLE, NOT_FOUND, SpawnError
from endwell.system.users import identify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.service import ServiceSpec

_NOTHING: Mapping[str, str] = MappingProxyType({})
# They are meant for us, by whoever has started us.
_NOT_THEIRS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


@dataclass(slots=True)
class Recipe:
    """How programs of this project are started.

    Args:
        environment: what all get, before their own.
        stdin: what they read.
        files: the soft limit of open files that they get; None: ours.
    """

    environment: Mapping[str, str]
    stdin: int
    files: int | None = None
    _users: dict[str, tuple[int, int, tuple[int, ...]]] = field(default_factory=dict)

    @classmethod
    def of_ours(cls, environment: Mapping[str, str], files: int | None = None) -> Recipe:
        """Return the recipe that hands on an environment."""
        ours = {name: value for name, value in environment.items() if name not in _NOT_THEIRS}
        return cls(ours, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), files)

    def program(  # noqa: PLR0913  each is a thing of its own that a program may get
        self,
        spec: ServiceSpec,
        command: tuple[str, ...],
        ends: tuple[int, int],
        *,
        stdin: int | None = None,
        variables: Mapping[str, str] = _NOTHING,
        descriptors: Mapping[int, int] | None = None,
    ) -> Program:
        """Return what is to be started for a service: its process, a hook, or a question.

        Without `stdin` it reads from /dev/null.

        Raises:
            SpawnError: there are no words in it, its user is not there, or we may not become it.
        """
        if not command:
            # What the reader of the file has already said why.
            raise SpawnError("the command cannot be split into words, or is empty; correct it", NOT_FOUND)
        return Program(
            command=command,
            environment={**self.environment, **_replica(spec), **spec.environment, **variables},
            directory=spec.directory,
            user=self.user(spec),
            umask=spec.umask,
            nice=spec.nice,
            limits=spec.limits,
            stdin=self.stdin if stdin is None else stdin,
            stdout=ends[0],
            stderr=ends[1],
            descriptors=descriptors or {},
            soft={} if self.files is None else {"nofile": self.files},
        )

    def user(self, spec: ServiceSpec) -> tuple[int, int, tuple[int, ...]] | None:
        """Return who a service runs as; None for ourselves.

        Raises:
            SpawnError: there is no such user, or we may not become it.
        """
        if spec.user is None:
            return None
        if spec.user not in self._users:
            try:
                self._users[spec.user] = identify(spec.user)
            except LookupError as error:
                raise SpawnError(f"cannot run as user {spec.user}: {error}", NOT_EXECUTABLE) from error
        found = self._users[spec.user]
        if os.geteuid() == 0:
            return found
        if found[0] != os.geteuid():
            reason = f"cannot run as user {spec.user}: we are user {os.geteuid()}; run endwell as root"
            raise SpawnError(reason, NOT_EXECUTABLE)
        return None

    def close(self) -> None:
        """Give back what it holds."""
        os.close(self.stdin)


def _replica(spec: ServiceSpec) -> dict[str, str]:
    """Tell replicas apart; as in the file of services the first one is 1."""
    return {"ENDWELL_REPLICA": str(spec.index + 1)} if spec.replicas > 1 else {}
