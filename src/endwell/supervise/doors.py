"""The doors of supervisord's clients and of browsers: [unix_http_server], [inet_http_server] and [web].

The supervisor holds the listening sockets and nothing else of HTTP. When the first client knocks, it starts
the gateway (`endwell.gateway`), hands it the sockets and one end of a connection by the control protocol, and
looks at them no more until the gateway has left, as inetd would. So whoever has a door in his file but never
uses it pays for a socket; a client that hangs, floods or breaks something does it to another process; and a
client that comes while there is no gateway waits in the queue of the socket, where nobody forgets him. Only
when one gateway after the other has failed is he sent away, with HTTP's own word for that.
"""

from __future__ import annotations

import _socket
import errno
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from endwell.machine.reloading import Swapped
from endwell.model.gateway import CONTROL, FIRST_DOOR, SAID, Commission, Door
from endwell.model.supervisord import Supervisord
from endwell.model.supervisord_servers import InetServer, UnixServer
from endwell.model.web import Web
from endwell.supervise.door import bare, open_door, problem, section
from endwell.supervise.entrance import DoorError
from endwell.supervise.refusal import Refusal
from endwell.system.program import Program
from endwell.system.spawn_error import SpawnError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.machine.act import Act
    from endwell.model.process import End
    from endwell.supervise.children import Child, Children
    from endwell.supervise.control.office import Office
    from endwell.supervise.door import Server, Socket
    from endwell.supervise.reloading import Reloading
    from endwell.supervise.supervisor import Supervisor
    from endwell.system.loop import Loop, Timer

BUILT_IN = "supervisor.rpcinterface:make_main_rpcinterface"
# A gateway that ends sooner than this after its start has not done what it was started for.
_SOON = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


def open_doors(
    supervisor: Supervisor, loop: Loop, office: Office, reloading: Reloading, say: Callable[[str], None]
) -> Doors:
    """Open what the file asks for, now and whenever it is read anew as a whole.

    Raises:
        DoorError: something of it cannot be opened; nothing is open.
    """
    doors = Doors(loop, supervisor.children, office.welcome, os.environ, say)
    try:
        _open(doors, reloading)
    except DoorError:
        doors.close()
        raise
    if doors.there:
        office.keep()

    def changed(act: Act) -> None:
        if isinstance(act.effect, Swapped):
            try:
                _open(doors, reloading)
            except DoorError as error:
                say(str(error))

    # Before the one who has asked for a reload hears that it is done.
    supervisor.listeners.insert(0, changed)
    supervisor.on_rest.append(doors.close)
    return doors


def _open(doors: Doors, reloading: Reloading) -> None:
    said, web = reloading.active.source, reloading.active.project.web
    doors.open(said if isinstance(said, Supervisord) else Supervisord(), web)


class Doors:
    """All of them.

    Args:
        loop: for waiting.
        children: keep track of the gateway.
        welcome: takes a connection by the control protocol.
        environment: of the gateway.
        say: says a line.
        patience: seconds without a client after which the gateway leaves.
    """

    def __init__(  # noqa: PLR0913  what it brings together
        self,
        loop: Loop,
        children: Children,
        welcome: Callable[[_socket.socket], None],
        environment: Mapping[str, str],
        say: Callable[[str], None],
        *,
        patience: float = 60.0,
    ) -> None:
        self._loop = loop
        self._children = children
        self._welcome = welcome
        self._environment = environment
        self._say = say
        self._patience = patience
        self._sockets: dict[Server, Socket] = {}
        self._interfaces: tuple[str, ...] = ()
        # What a page shows is good for as long as this supervisor is there, and not only for one gateway.
        self._secret = os.urandom(16).hex()
        self._gateway: Child | None = None
        self._started = 0.0
        self._pause = 0.0
        self._timer: Timer | None = None
        self._refusal = Refusal(loop)

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return bool(self._sockets)

    def open(self, said: Supervisord, web: Web | None = None) -> None:
        """Open what a file asks for, and close what it does not ask for any more.

        Args:
            said: in supervisord's words.
            web: where the page is; None: only where supervisord has its own.

        Raises:
            DoorError: something of it cannot be opened; the rest is.
        """
        servers: tuple[Server, ...] = (*said.unix_servers, *said.inet_servers, *([web] if web else ()))
        wanted = {bare(server): server for server in servers}
        interfaces = tuple(
            one.name for one in said.rpc_interfaces if "".join(one.factory.split()) == BUILT_IN
        )
        if wanted.keys() == self._sockets.keys() and interfaces == self._interfaces:
            return
        self._rest()
        self._dismiss()
        self._interfaces = interfaces
        for server in [server for server in self._sockets if server not in wanted]:
            self._sockets.pop(server).close()
        problems = []
        for known, server in wanted.items():
            try:
                if known not in self._sockets:
                    self._sockets[known] = open_door(server)
                    self._warn(server)
            except OSError as error:
                problems.append(problem(server, error))
        self._watch()
        if problems:
            raise DoorError("; ".join(problems))

    def close(self) -> None:
        """Close all, and let the gateway leave."""
        self._rest()
        self._dismiss()
        for socket in self._sockets.values():
            socket.close()
        self._sockets.clear()

    def _warn(self, server: Server) -> None:
        if isinstance(server, InetServer) and not server.username and server.host not in _LOOPBACK:
            self._say(
                f"warning: {server.place}: [{server.section}] lets everybody in who can reach port"
                f" {server.port}: add username and password, or listen on 127.0.0.1"
            )

    # ------------------------------------------------------------------------------------------- who knocks

    def _watch(self) -> None:
        self._timer = None
        for socket in self._sockets.values():
            self._loop.watch(socket.fileno(), self._knocked)

    def _watch_to_refuse(self, until: float) -> None:
        """Send away who knocks before this instant; who comes after it has a gateway started for him."""
        for socket in self._sockets.values():
            self._loop.watch(socket.fileno(), partial(self._refuse, socket, until))

    def _refuse(self, socket: Socket, until: float) -> None:
        left = until - self._loop.now()
        if left <= 0:
            self._knocked()
            return
        try:
            self._refusal.refuse(socket, left)
        except OSError:  # there are no descriptors, and he would be there again at once
            self._rest()
            self._timer = self._loop.at(until, self._watch)

    def _rest(self) -> None:
        """Look at no door."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for socket in self._sockets.values():
            self._loop.forget(socket.fileno())
        self._refusal.close()

    def _knocked(self) -> None:
        self._rest()
        self._started = self._loop.now()
        try:
            self._start()
        except (SpawnError, OSError) as error:
            self._failed(f"cannot be started: {error}")

    # ------------------------------------------------------------------------------------------- the gateway

    def _start(self) -> None:
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        said, saying = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        silence = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                _write(saying, self._commission())
            finally:
                os.close(saying)
            ours.setblocking(False)  # noqa: FBT003  the standard library's
            sockets = enumerate(self._sockets.values(), FIRST_DOOR)
            program = Program(
                # -P: nothing in the current directory is taken for a module.
                command=(sys.executable, "-P", "-m", "endwell.gateway"),
                environment=self._environment,
                stdin=silence,
                stdout=2,
                stderr=2,
                descriptors={
                    SAID: said,
                    CONTROL: theirs.fileno(),
                    **{number: socket.fileno() for number, socket in sockets},
                },
            )
            self._gateway = self._children.start_own(program, self._ended)
        except (SpawnError, OSError):
            ours.close()
            raise
        finally:
            os.close(silence)
            os.close(said)
            theirs.close()
        try:
            self._welcome(ours)
        except Exception:
            ours.close()  # the gateway does not wait for anybody
            raise

    def _commission(self) -> bytes:
        import json  # noqa: PLC0415  when the first client comes, if one does

        doors = tuple(
            Door(
                section=section(server),
                username=server.username,
                password=server.password,
                calls=not isinstance(server, Web),
                local=isinstance(server, UnixServer),
            )
            for server in self._sockets
        )
        commission = Commission(
            doors=doors, interfaces=self._interfaces, patience=self._patience, secret=self._secret
        )
        return json.dumps(commission.value).encode()

    def _dismiss(self) -> None:
        """Let the gateway give its last answers, and leave."""
        if self._gateway is not None:
            self._gateway.process.send(signal.SIGTERM)
            self._gateway = None

    def _ended(self, child: Child, end: End) -> None:
        if child is not self._gateway:
            return  # it was dismissed
        self._gateway = None
        if end.status or self._loop.now() - self._started < _SOON:
            how = f"by {end.signal}" if end.signal else f"with {end.code}"
            self._failed(f"has ended {how}")
        else:
            self._pause = 0.0
            self._watch()

    def _failed(self, how: str) -> None:
        """Let whoever knocks be, for the longer the more often a start has come to nothing.

        Once is an accident, and who waits has his answer a second later. Twice is not.
        """
        if self._loop.now() - self._started > _LONGEST_PAUSE:
            self._pause = 0.0
        accident = not self._pause
        self._pause = min(self._pause * 2 or _FIRST_PAUSE, _LONGEST_PAUSE)
        sections = " and ".join(f"[{section(server)}]" for server in self._sockets)
        until = "" if accident else "; until then everybody is answered with 503"
        self._say(
            f"the gateway of {sections} {how}: started again for who comes after {self._pause:g} s{until}"
        )
        if accident:
            self._timer = self._loop.after(self._pause, self._watch)
        else:
            self._watch_to_refuse(self._loop.now() + self._pause)


def _write(descriptor: int, data: bytes) -> None:
    if os.write(descriptor, data) < len(data):
        raise OSError(errno.EMSGSIZE, "there are too many servers in the file")
