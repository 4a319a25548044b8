"""A project as an endwell.toml that means the same.

What all services say alike is said once, below [defaults]; what only one replica says stands below it.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from endwell.model.project import ExitWhen, Project
from endwell.model.service import Log
from endwell.parse.problems import ConfigurationError
from endwell.parse.services import read_services
from endwell.parse.services.policies import usual_stop_timeout
from endwell.parse.services.variables import escape
from endwell.records import replace
from endwell.render.service_values import exit_when, length, values_of
from endwell.render.toml import written_key, written_table, written_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from endwell.model.service import ServiceSpec
    from endwell.model.web import Web
    from endwell.render.service_values import Values

_WIDTH = 100
# Their tables are put together key by key; those of the others stand for one thing.
_MERGED = ("environment", "logs", "restart", "start")


def services_toml(project: Project, comments: Iterable[str] = ()) -> str:
    """Return the text of the file.

    Args:
        project: what it is to mean.
        comments: sentences to put at its top; what the file cannot say is added to them.
    """
    body = _body(project)
    remarks = [*comments, *_differences(project, body)]
    head = "".join(
        textwrap.fill(
            one,
            _WIDTH,
            initial_indent="# ",
            subsequent_indent="#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
        for one in (" ".join(remark.split()) for remark in remarks)
    )
    return f"{head}\n{body}" if head else body


def sayable(spec: ServiceSpec) -> ServiceSpec:
    """Return a service without what the file has no words for: supervisord's name, its events, its socket."""

    def log(one: Log) -> Log:
        return Log(discard=True) if one.discard else replace(one, events=False, capture=0)

    stderr = None if spec.stderr is None else log(spec.stderr)
    return replace(spec, process="", listener=None, socket=None, stdout=log(spec.stdout), stderr=stderr)


def _body(project: Project) -> str:
    replicas: dict[str, list[ServiceSpec]] = {}
    for spec in project.services:
        if spec.command:
            replicas.setdefault(spec.name, []).append(spec)
    usual = usual_stop_timeout(project.grace)
    tables = {name: _table(specs, usual) for name, specs in replicas.items()}
    defaults = _defaults(tables)
    blocks: list[list[str]] = []
    if project.exit_when != ExitWhen():
        blocks.append([f"exit-when = {written_text(exit_when(project.exit_when))}"])
    grace = "unlimited" if project.grace == float("inf") else length(project.grace)
    by_priority = ["by-priority = true"] if project.stop_by_priority else []
    blocks.append(["[stop]", f'grace = "{grace}"', *by_priority])
    if project.socket:
        blocks.append(["[control]", f"socket = {written_text(escape(project.socket))}"])
    if project.web is not None:
        blocks.append(list(_web(project.web)))
    if defaults:
        blocks.append(list(written_table("defaults", defaults)))
    if not tables:
        blocks.append(["[services]"])
    blocks += [list(_service(name, table)) for name, table in tables.items()]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _web(web: Web) -> Iterator[str]:
    host = f"[{web.host}]" if ":" in web.host else web.host or "*"
    yield "[web]"
    yield f"listen = {written_text(escape(f'{host}:{web.port}'))}"
    for key, value in (("username", web.username), ("password", web.password)):
        if value is not None:
            yield f"{key} = {written_text(escape(value))}"


def _table(specs: list[ServiceSpec], stop_timeout: float) -> Values:
    """Return what all replicas of a service say, and in `replica` what each of them says besides."""
    ordered = sorted(specs, key=lambda one: one.index)
    each = [values_of(spec, stop_timeout) for spec in ordered]
    common = {name: value for name, value in each[0].items() if all(one.get(name) == value for one in each)}
    own = [{name: value for name, value in one.items() if name not in common} for one in each]
    table = common | ({"replicas": len(each)} if len(each) > 1 else {})
    if any(own):
        if all("environment" in one for one in own):
            shared = _shared([one["environment"] for one in own])
            table |= {"environment": shared} if shared else {}
            for one in own:
                one["environment"] = _without(one["environment"], shared)
        table["replica"] = {str(at): one for at, one in enumerate(own, 1)}
    return table


def _shared(tables: list[Values]) -> Values:
    return {name: value for name, value in tables[0].items() if all(one.get(name) == value for one in tables)}


def _without(table: Values, shared: Values) -> Values:
    return {name: value for name, value in table.items() if name not in shared}


def _defaults(tables: dict[str, Values]) -> Values:
    """Return what all tables say alike, and take it out of them."""
    every = list(tables.values())
    found: Values = {}
    if len(every) < 2:  # noqa: PLR2004  there are no defaults of one
        return found
    for name in [name for name in every[0] if all(name in table for table in every)]:
        values: list[Any] = [table[name] for table in every]
        if name in {"command", "replicas", "replica", "after"}:
            continue
        if all(value == values[0] for value in values):
            found[name] = values[0]
            for table in every:
                del table[name]
        elif name in _MERGED and all(isinstance(value, dict) for value in values):
            shared = _shared(values)
            found |= {name: shared} if shared else {}
            for table in every:
                table[name] = _without(table[name], shared)
                if not table[name]:
                    del table[name]
    return found


def _service(name: str, table: Values) -> Iterator[str]:
    yield from written_table(f"services.{written_key(name)}", table)


def _differences(project: Project, body: str) -> Iterator[str]:
    """Read the file again and say what it does not mean."""
    for spec in project.services:
        if not spec.command:
            yield f"Left out: {spec.label}, because its command cannot be split into words."
    try:
        read = read_services("endwell.toml", lambda _: body, {}).project
    except ConfigurationError as error:
        yield from (f"To be corrected: {one.text}." for one in error.problems)
        return
    found = {spec.key: spec for spec in read.services}
    for spec in project.services:
        other = found.get(spec.key)
        if spec.command and other is None:
            yield f"{spec.label} has another number here."
        elif other is not None and other != (plain := sayable(spec)):
            names = [name for name in spec.__slots__ if getattr(plain, name) != getattr(other, name)]
            yield f"{spec.label} is not quite the same here: {', '.join(names)}."
