"""What commands of supervisorctl are given: a place to write, an exit status, a server to talk to.

Lines about results and errors are supervisorctl's word for word, because scripts read them.
"""

from __future__ import annotations

import cmd
import contextlib
import errno
import sys
import xmlrpc.client
from getpass import getpass
from typing import IO, TYPE_CHECKING, Any

from endwell.cli.supervisor.codes import DEAD, Exit
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from endwell.cli.supervisor.server import Server

API = "3.0"
_UNAUTHORIZED = 401
_OTHER_API = (
    "Sorry, this version of supervisorctl expects to talk to a server with API version {}, but the "
    "remote version is {}."
)
_NO_INTERFACE = (
    "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl "
    "uses to control it.  Please check that the [rpcinterface:supervisor] section is enabled in the "
    "configuration file (see sample.conf)."
)


class Console(cmd.Cmd):
    """Reads commands and runs them.

    Args:
        server: whom they are about.
        commands: by their names; each gets the console and the rest of the line.
        pages: their pages of help, by the same names.
        prompt: of the interactive shell.
        interactive: whether questions may be asked.
    """

    nohelp = "*** No help on %s"

    def __init__(
        self,
        server: Server,
        commands: Mapping[str, Callable[[Console, str], bool | None]],
        pages: Mapping[str, str],
        *,
        prompt: str = "supervisor",
        interactive: bool = False,
    ) -> None:
        super().__init__()
        self.server = server
        self.commands = commands
        self.pages = pages
        self.prompt = f"{prompt}> "
        self.interactive = interactive
        self.status = int(Exit.SUCCESS)
        self._known: list[Any] | None = None

    # ------------------------------------------------------------------------------- what commands are given

    def say(self, message: object) -> None:
        """Write a line."""
        self.stdout.write(f"{message}\n")

    def fail(self, message: object, status: int = Exit.GENERIC, *, page: str = "") -> None:
        """Write a line about what cannot be done, and take note of the exit status.

        Args:
            message: the line.
            status: the exit status.
            page: the command whose page of help follows.
        """
        self.say(message)
        self.status = status
        if page:
            self.say(self.pages[page])

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401  as methods have it
        """Call a method of the `supervisor` interface; see `Server.call`."""
        return self.server.call(f"supervisor.{method}", *arguments)

    def judge(self, fault: int, ignored: int = Fault.SUCCESS) -> None:
        """Take note of the exit status that a fault stands for.

        Args:
            fault: which.
            ignored: one that is none.
        """
        if fault in DEAD and fault != ignored:
            self.status = Exit.NOT_RUNNING
        elif fault not in {ignored, Fault.SUCCESS}:
            self.status = Exit.GENERIC

    def reaches(self) -> bool:
        """Whether a server of the right kind answers; if not, it has been said.

        Raises:
            OSError: it cannot be reached, for another reason than that it is not there.
        """
        try:
            version = self.call("getVersion")
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Fault.UNKNOWN_METHOD:
                raise
            self.fail(_NO_INTERFACE, Exit.NO_INTERFACE)
            return False
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                self.fail(f"{self.server.url} refused connection", Exit.REFUSED)
            elif error.errno == errno.ENOENT:
                self.fail(f"{self.server.url} no such file", Exit.NOT_RUNNING)
            else:
                raise
            return False
        if version != API:
            self.fail(_OTHER_API.format(API, version), Exit.OTHER_VERSION)
            return False
        return True

    def agrees(self, question: str) -> bool:
        """Ask, where somebody is there to answer."""
        return not self.interactive or input(question).lower().startswith("y")

    # --------------------------------------------------------------------------------------------- the shell

    def shell(self, history: str | None) -> None:
        """Read commands until the end, with the status of everything first."""
        with contextlib.suppress(ImportError):  # a Python without readline
            _prepare(history)
        self.cmdqueue.append("status")
        try:
            self.cmdloop()
        except KeyboardInterrupt:
            self.say("")

    def emptyline(self) -> bool:
        """Do nothing: the standard library would run the last command once more."""
        return False

    def default(self, line: str) -> None:
        """Say that there is no such command."""
        self.fail(f"*** Unknown syntax: {line}")

    def onecmd(self, line: str) -> bool:
        """Run one command; whether it was the last one."""
        name, rest, line = self.parseline(line)
        if not line:
            return self.emptyline()
        self._known = None
        self.lastcmd = line
        command = self.commands.get(name or "")
        if command is None:
            self.default(line)
            return False
        try:
            return bool(command(self, rest or ""))
        except xmlrpc.client.ProtocolError as error:
            if error.errcode != _UNAUTHORIZED:
                self._unexpected(error)
                return False
        except Exception as error:  # noqa: BLE001  whatever a server may have answered
            self._unexpected(error)
            return False
        return self._again(line)

    def _again(self, line: str) -> bool:
        """Run a command again, with a name and a password."""
        if not self.interactive:
            self.fail("Server requires authentication")
            return False
        self.say("Server requires authentication")
        self.server.username = input("Username:")
        self.server.password = getpass("Password:")
        self.say("")
        return self.onecmd(line)

    def _unexpected(self, error: Exception) -> None:
        self.fail(f"error: {type(error)}, {error}: while talking to {self.server.url}")

    # -------------------------------------------------------------------------------------------- completion

    def complete(  # type: ignore[override]
        self, text: str, state: int, line: str | None = None
    ) -> str | None:
        """Return one of the words that may follow; None after the last one.

        Args:
            text: what the word begins with.
            state: which of them, from 0.
            line: all that was typed; None: readline knows.
        """
        if line is None:
            import readline  # noqa: PLC0415  it asks us, so it is there

            line = readline.get_line_buffer()
        found = [f"{word} " for word in self._words(line, text) if word.startswith(text)]
        return found[state] if state < len(found) else None

    def _words(self, line: str, text: str) -> list[str]:
        before = line.split()
        if not before or (len(before) == 1 and not line.endswith(" ")) or before[0] == "help":
            return [name for name in self.commands if name != "EOF"]
        if before[0] in {"add", "remove", "update"}:
            return list(dict.fromkeys(info["group"] for info in self._processes()))
        if before[0] in {"clear", "fg", "pid", "restart", "signal", "start", "status", "stop", "tail"}:
            words: dict[str, None] = {}
            for info in self._processes():
                group, name = info["group"], info["name"]
                alone = group == name and ":" not in text
                words |= dict.fromkeys((name,) if alone else (f"{group}:{name}", f"{group}:*"))
            return list(words)
        return []

    def _processes(self) -> list[Any]:
        """Return what is known of all processes: asked once for a line, however often Tab is pressed."""
        if self._known is None:
            try:
                self._known = self.call("getAllProcessInfo")
            except (OSError, xmlrpc.client.Error):
                self._known = []
        return self._known


def stream() -> IO[str]:
    """Return stdout, prepared so that no log can have a character it refuses."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout


def _prepare(history: str | None) -> None:
    import readline  # noqa: PLC0415  for people only

    # Names of processes are one word: group:process, group:*, my-program.
    readline.set_completer_delims("".join(one for one in readline.get_completer_delims() if one not in ":*-"))
    if not history:
        return
    import atexit  # noqa: PLC0415

    def save() -> None:
        with contextlib.suppress(OSError):
            readline.write_history_file(history)

    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    atexit.register(save)
