"""Those who belong to no service: told when all services are over, and killed when the time is.

What somebody has started beside a service (`endwell exec`) is told when the stop begins: it needs nobody, and
nobody needs it, so there is nothing to wait for. What has a terminal loses it, and a shell that is typed at
ends for nothing else.
"""

from __future__ import annotations

import contextlib
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from endwell.supervise.account import Account
    from endwell.supervise.children import Child, Children
    from endwell.system.loop import Loop

_NAMED = 50
TELL = (int(signal.SIGTERM), int(signal.SIGCONT))
_TELL_AT_TERMINAL = (int(signal.SIGTERM), int(signal.SIGHUP), int(signal.SIGCONT))


class Rest:
    """Everybody below us at the end, and as PID 1 everybody in the PID namespace.

    Args:
        loop: for waiting.
        children: who knows them.
        account: where it is noted who was told and killed.
        gone: called when nobody is left; perhaps again and again.
    """

    def __init__(self, loop: Loop, children: Children, account: Account, gone: Callable[[], None]) -> None:
        self._loop = loop
        self._children = children
        self._account = account
        self._gone = gone
        self._asked = False
        self._visitors: list[Child] = []  # who were told
        # With those who are struck from then on, who is killed and not named.
        self._uncounted: int | None = None
        self._strangers: dict[int, int] = {}  # those who are not below us, and a pidfd of each

    def tell_visitors(self) -> None:
        """Tell those who were started beside services to end, with all that came from them."""
        self._visitors = self._children.visitors()
        names = self._names() if self._visitors else {}  # each name is a file to read
        for child in self._visitors:
            told = self._children.send_visitor(child, _TELL_AT_TERMINAL if child.terminal else TELL)
            self._account.visitors |= dict.fromkeys(told, child.beside)
            self._account.rest_told |= {pid: names.get(pid, "") for pid in told}

    def tell(self) -> None:
        """Tell them to end."""
        names = {} if self._children.crowded() else self._names()
        # To many programs a second signal means to hurry.
        spare = {child.process.pid for child in self._children.visitors() if child in self._visitors}
        self._account.rest_told |= {
            pid: names.get(pid, "")
            for pid in self._children.send_all(TELL, spare)
            if not self._children.is_ours(pid)
        }
        self._asked = True
        self.look()

    def kill(self, mains: Collection[int]) -> None:
        """Kill them, and everybody else; `mains` are processes of services, which are not noted here."""
        # In a crowd each moment is for killing. Who has ended has no command line any more, but still a name.
        names = {} if self._children.crowded() else self._names()
        killed = [
            pid for pid in self._children.kill_all() if pid not in mains and not self._children.is_ours(pid)
        ]
        named = self._account.rest_killed = {
            pid: names.get(pid) or tree.name_of(pid) for pid in killed[:_NAMED]
        }
        self._uncounted = len(killed) - len(named) - self._children.struck
        self._asked = True
        self.look()

    def look(self) -> None:
        """See whether anybody is left, once they were told: children have ended since."""
        if not self._asked:
            return
        if self._uncounted is not None:
            self._account.rest_more = self._uncounted + self._children.struck
        if os.getpid() != 1:
            if self._children.alone():
                self._gone()
            return
        there = self._children.anybody()
        for pid in self._children.strangers(there):
            if pid not in self._strangers:
                with contextlib.suppress(OSError):
                    self._strangers[pid] = os.pidfd_open(pid)
                    self._loop.watch(self._strangers[pid], partial(self._stranger_ended, pid))
        if not there:
            self._gone()

    def _stranger_ended(self, pid: int) -> None:
        pidfd = self._strangers.pop(pid)
        self._loop.forget(pidfd)
        os.close(pidfd)
        self.look()

    def _names(self) -> dict[int, str]:
        """Return everybody with his command line: who has ended has none any more."""
        return {pid: tree.name_of(pid) for pid in self._children.anybody()}
