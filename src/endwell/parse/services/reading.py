"""From an endwell.toml to a project.

Every text in the file is first freed of its variables (`variables`), those of endwell's own environment; keys
and names are not. In addition `${ENDWELL_REPLICA}` is the number of the replica, from 1. Then what a service
does not say is taken from [defaults], tables key by key, and a replica's own table is put over both.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from endwell.model.place import Place
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency
from endwell.model.service import ServiceSpec
from endwell.model.signals import TERM
from endwell.parse import words
from endwell.parse.problems import Problem, Report, why_unread
from endwell.parse.services.environment_file import environment_of
from endwell.parse.services.nodes import Node, read_nodes
from endwell.parse.services.outputs import hooks_of, logs_of
from endwell.parse.services.policies import health_of, policies_of, readiness_of, usual_stop_timeout
from endwell.parse.services.table import PROJECT, SERVICE
from endwell.parse.services.unknown import names_nobody
from endwell.parse.services.variables import expand
from endwell.parse.web import web_of
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from endwell.model.web import Web

REPLICA = "ENDWELL_REPLICA"
# Those whose values name something that is there, or is not, on the machine.
_LOCAL = ("command", "user", "working-directory", "logs", "hooks", "ready", "health")
_NOTHING = Node(Place("", 0), "", {})


@dataclass(frozen=True, slots=True)
class Services:
    """What an endwell.toml says.

    Args:
        project: its services.
        warnings: what is odd about it.
        places: by the name of a service, where it says for whom it waits, or else where it begins; by the
            empty name, where exit-when is.
        settings: by the name of a service and a key that names programs, users or directories, where it is.
        files: those that were read, the main one first.
    """

    project: Project
    warnings: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    settings: Mapping[tuple[str, str], Place] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def read_services(path: str, read: Callable[[str], str], environment: Mapping[str, str]) -> Services:
    """Read an endwell.toml.

    That its services can be brought into an order is not asked here: whoever asks has the places.

    Args:
        path: of the file.
        read: a path to its text; raises OSError, or UnicodeError where it is no text.
        environment: what variables stand for.

    Raises:
        ConfigurationError: all that is wrong with it, a line for each thing, with file and line.
    """
    return _Reader(path, read, environment).services()


class _Reader:
    def __init__(self, path: str, read: Callable[[str], str], environment: Mapping[str, str]) -> None:
        self.path = path
        self.text_of = read
        self.environment = dict(environment)
        self.report = Report()
        self.env_files: dict[str, dict[str, str]] = {}
        self.places: dict[str, Place] = {}
        self.settings: dict[tuple[str, str], Place] = {}
        # Whether a text of the service that is read asks for the number of its replica.
        self.numbered = False
        self.stop_timeout = 10.0

    def services(self) -> Services:
        text = self.text()
        root = read_nodes(text, self.path, self.report)
        self.report.settle()
        assert root is not None  # noqa: S101  it would not be settled
        said = PROJECT.read(self.expanded(root, 1), self.report)
        stop = said.get("stop", {})
        grace = stop.get("grace", Project().grace)
        self.stop_timeout = usual_stop_timeout(grace)
        services = root.table.get("services", _NOTHING)
        found = [spec for name, node in services.table.items() for spec in self.replicas(name, node, root)]
        if "services" in root.table and not services.table:
            self.report.warn(services.place, "there is no service: write [services.NAME] and its command")
        exit_when = self.exit_when(root, said.get("exit-when", ExitWhen()), services.table)
        web = self.web(root, said.get("web"))
        self.report.settle()
        socket = said.get("control", {}).get("socket", "")
        by_priority = stop.get("by-priority", False)
        if by_priority and any(spec.after for spec in found):
            node = root.table["stop"].table["by-priority"]
            self.report.warn(node.place, f"{node.key} has no effect beside after: remove one of them")
        project = Project(
            services=tuple(found),
            grace=grace,
            exit_when=exit_when,
            stop_by_priority=by_priority,
            socket=socket,
            web=web,
        )
        files = (self.path, *self.env_files)
        return Services(project, tuple(self.report.warnings), self.places, self.settings, files)

    def text(self) -> str:
        text = ""
        try:
            text = self.text_of(self.path)
        except (OSError, UnicodeError) as error:
            why = why_unread(error, "correct its name or its mode")
            self.report.error(Place(self.path, 1), f"cannot read the file: {why}")
        self.report.settle()
        return text

    def expanded(self, node: Node, number: int) -> Node:
        """Return the same without variables, for a replica of this number."""
        names = _Names(self.environment | {REPLICA: str(number)})

        def change(one: Node, text: str) -> str:
            if "$" not in text:
                return text
            try:
                changed = expand(text, names, lambda why: self.report.warn(one.place, f"{one.shown} {why}"))
            except ValueError as error:
                self.report.error(one.place, f"{one.shown} {error}")
                return text
            self.numbered = self.numbered or names.asked
            return changed

        return node.changed(change)

    def exit_when(self, root: Node, when: ExitWhen, names: Mapping[str, Node]) -> ExitWhen:
        node = root.table.get("exit-when", root)
        self.places[""] = node.place
        if when.when is When.SERVICE_EXITS and when.service not in names:
            self.report.error(
                node.place, f"exit-when names {when.service!r}, {names_nobody(when.service, names)}"
            )
        return when

    def web(self, root: Node, said: Mapping[str, Any] | None) -> Web | None:
        node = root.table.get("web", root)
        if said is None or ("listen" in node.table and "listen" not in said):
            return None  # there is none, or it is wrong, and noted

        def refuse(key: str, why: str) -> None:
            # What a password is set to is shown to nobody.
            self.report.error(node.table.get(key, node).place, f"web.{key} {why}")

        listen, username, password = (said.get(key) for key in ("listen", "username", "password"))
        return web_of(listen, username, password, node.place, refuse)

    def replicas(self, name: str, node: Node, root: Node) -> Iterator[ServiceSpec]:
        if not isinstance(node.value, dict):
            return
        names = root.table["services"].table
        plain = replace(node, value={key: one for key, one in node.value.items() if key != "replica"})
        plain = plain.over(root.table.get("defaults", _NOTHING))
        self.numbered = False
        first = self.expanded(plain, 1)
        count = self.count(first)
        own = self.own(node, count)
        service: ServiceSpec | None = None
        self.places[name] = plain.table.get("after", node).place
        before = len(self.report.errors)
        for number in range(1, count + 1):
            if len(self.report.errors) > before:
                return  # what is wrong with one replica is wrong with a hundred
            if service is None or number in own or self.numbered or number - 1 in own:
                mine = own[number].over(plain) if number in own else plain
                service = self.service(name, self.expanded(mine, number), names)
            yield replace(service, index=number - 1, replicas=count)

    def count(self, node: Node) -> int:
        """Return how many replicas there are; 1 where that is wrong."""
        replicas: int = SERVICE.read(node, Report()).get("replicas", 1)
        return replicas

    def own(self, node: Node, count: int) -> dict[int, Node]:
        """Return what is different with which replica."""
        found = {}
        for written, one in node.table.get("replica", _NOTHING).table.items():
            number = int(written) if written.isascii() and written.isdigit() and len(written) < 9 else 0  # noqa: PLR2004
            if not 1 <= number <= count:
                self.report.error(
                    one.place, f"{one.key}: there is no replica {written!r}: they go from 1 to {count}"
                )
            elif isinstance(one.value, dict):
                found[number] = one
        return found

    def service(self, name: str, node: Node, names: Mapping[str, Node]) -> ServiceSpec:
        said = SERVICE.read(node, self.report)
        for key in _LOCAL:
            if key in node.table:
                self.settings.setdefault((name, key), node.table[key].place)
        if not SERVICE.has(node, "command"):
            self.report.error(node.place, f'{node.key} has no command: write command = "program arguments"')
        start, restart = policies_of(said.get("restart"), said.get("start"))
        stdout, stderr = logs_of(None)
        try:
            stdout, stderr = logs_of(said.get("logs"))
        except ValueError as error:
            self.report.error(node.table["logs"].place, f"{node.table['logs'].key} {error}")
        return ServiceSpec(
            name=name,
            group=said.get("group", name),
            command=said.get("command", ()),
            autostart=said.get("autostart", True),
            start=start,
            restart=restart,
            after=self.after(name, node, said.get("after"), names),
            priority=said.get("priority", 999),
            group_priority=said.get("group-priority"),
            ready=readiness_of(said.get("ready")),
            health=health_of(said.get("health")),
            stop_signal=said.get("stop-signal", TERM),
            stop_timeout=said.get("stop-timeout", self.stop_timeout),
            drain=said.get("drain", 0.0),
            stop_group=said.get("stop-group", False),
            environment=self.variables(node, said),
            user=said.get("user"),
            directory=said.get("working-directory"),
            umask=said.get("umask"),
            nice=said.get("nice", 0),
            limits=self.limits(node, said.get("limits", {})),
            stdout=stdout,
            stderr=stderr,
            hooks=hooks_of(said.get("hooks")),
            stdin_open=said.get("stdin-open", False),
        )

    def after(
        self,
        name: str,
        node: Node,
        said: tuple[Dependency, ...] | dict[str, Condition] | None,
        names: Mapping[str, Node],
    ) -> tuple[Dependency, ...]:
        if said is None:
            return ()
        if isinstance(said, dict):
            said = tuple(Dependency(service, condition) for service, condition in said.items())
        written = node.table["after"]
        places = [written]
        if isinstance(written.value, dict | tuple):
            places = list(written.value.values() if isinstance(written.value, dict) else written.value)
        for one, at in zip(said, places, strict=True):
            if one.service == name:
                self.report.error(at.place, f"{written.key} names {name} itself: take it out there")
            elif one.service not in names:
                why = names_nobody(one.service, names)
                self.report.error(at.place, f"{written.key} names {one.service!r}, {why}")
        return said

    def variables(self, node: Node, said: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in said.get("env-file", ()):
            found |= self.env_file(node.table["env-file"], posixpath.join(posixpath.dirname(self.path), path))
        own = said.get("environment", {})
        if isinstance(own, dict):
            return found | own
        written = node.table["environment"]
        for one, at in zip(own, written.value, strict=True):
            variable, sign, value = one.partition("=")
            if not variable:
                self.report.error(at.place, f"{at.shown} has no name: write NAME=value")
            elif sign:
                found[variable] = value
            elif variable in self.environment:
                found[variable] = self.environment[variable]
        return found

    def limits(self, node: Node, said: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
        found = {}
        for name, one in said.items():
            if isinstance(one, dict):
                soft = one.get("soft", (0, 0))
                found[name] = (soft[0], (one.get("hard") or soft)[1])
                if words.exceeds(*found[name]):
                    written = node.table["limits"].table[name]
                    self.report.error(written.place, f"{written.key} {words.SOFT_EXCEEDS}")
            else:
                found[name] = one
        return found

    def env_file(self, node: Node, path: str) -> dict[str, str]:
        if path not in self.env_files:
            self.env_files[path] = {}
            try:
                text = self.text_of(path)
                self.env_files[path] = environment_of(text, path, self.environment, self.report)
            except (OSError, UnicodeError) as error:
                why = why_unread(error, "correct its name or its mode")
                self.report.error(node.place, f"{node.key}: cannot read {path}: {why}")
        return self.env_files[path]


class _Names(dict[str, str]):
    """Variables that know whether somebody has asked for the number of the replica."""

    asked = False

    def __contains__(self, name: object) -> bool:
        self.asked = self.asked or name == REPLICA
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  as dict's
        self.asked = self.asked or name == REPLICA
        return super().get(name, default)
