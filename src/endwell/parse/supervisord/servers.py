"""The sections of the remote interface: [unix_http_server], [inet_http_server], [rpcinterface:x]."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from endwell.model.supervisord_servers import InetServer, RpcInterface, UnixServer
from endwell.parse.supervisord.local import Local
from endwell.parse.supervisord.types import inet_address, octal

if TYPE_CHECKING:
    from endwell.parse.supervisord.reading import Options, Source

UNIX, INET, INTERFACE, PLUGIN = "unix_http_server", "inet_http_server", "rpcinterface:", "ctlplugin:"
FACTORY = "supervisor.rpcinterface_factory"
BUILT_IN = "supervisor.rpcinterface:make_main_rpcinterface"
_ENTRY_POINT = re.compile(r"\s*[\w.]+\s*(?::\s*[\w.]+\s*)?(?:\[.*\])?\s*", re.DOTALL)


def unix_servers(source: Source) -> tuple[UnixServer, ...]:
    """Read every section that begins with unix_http_server."""
    return tuple(one for section in _of_kind(source, UNIX) if (one := _unix(source.section(section))))


def inet_servers(source: Source) -> tuple[InetServer, ...]:
    """Read every section that begins with inet_http_server."""
    return tuple(one for section in _of_kind(source, INET) if (one := _inet(source.section(section))))


def rpc_interfaces(source: Source) -> tuple[RpcInterface, ...]:
    """Read every [rpcinterface:x] section; only supervisord's own interface is one that can be had."""
    found = (_interface(source.section(section)) for section in _of_kind(source, INTERFACE))
    return tuple(one for one in found if one)


def server_url(unix: tuple[UnixServer, ...], inet: tuple[InetServer, ...]) -> str | None:
    """Return where programs find the supervisor: the first Unix socket, or else the last port."""
    if unix:
        return f"unix://{unix[0].file}"
    return f"http://{inet[-1].host or 'localhost'}:{inet[-1].port}" if inet else None


def _of_kind(source: Source, kind: str) -> list[str]:
    return [one for one in source.ini.sections if one.startswith(kind)]


def _label(section: str) -> str | None:
    _, colon, label = section.partition(":")
    return label if colon else None


def _account(options: Options) -> tuple[str | None, str | None]:
    username, password = options.text("username"), options.text("password")
    if (options.find("username") is None) is not (options.find("password") is None):
        has, lacks = ("username", "password") if options.find("username") else ("password", "username")
        options.error(has, f"has a {has} and no {lacks}: write both, or none")
    return username, password


def _unix(options: Options) -> UnixServer | None:
    local = Local(options.source.surroundings)
    username, password = _account(options)
    chown = options.get("chown", local.owner, (-1, -1))
    chmod = options.get("chmod", octal, 0o700)
    file = options.text("file", names={"here": options.source.here})
    if file is None:
        if not options.find("file"):
            options.error("file", "has no file: write file=/run/supervisor.sock")
        return None
    return UnixServer(
        section=options.name,
        name=_label(options.name),
        file=options.source.surroundings.normal(file.strip()),
        chmod=chmod,
        chown=chown,
        username=username,
        password=password,
        place=options.place,
    )


def _inet(options: Options) -> InetServer | None:
    username, password = _account(options)
    address = options.get("port", inet_address, None)
    if address is None:
        if not options.find("port"):
            options.error("port", "has no port: write port=127.0.0.1:9001")
        return None
    return InetServer(
        section=options.name,
        name=_label(options.name),
        host=address[0],
        port=address[1],
        username=username,
        password=password,
        place=options.place,
    )


def _interface(options: Options) -> RpcInterface | None:
    factory = options.get(FACTORY, _entry_point, None)
    if factory is None:
        if not options.find(FACTORY):
            options.error(FACTORY, f"has no {FACTORY}: write {FACTORY}={BUILT_IN}")
        return None
    if "".join(factory.split()) != BUILT_IN:
        options.warn(
            FACTORY, f"{FACTORY}={factory!r} is not loaded: its methods are missing; only {BUILT_IN} is there"
        )
    names = [name for name in options.source.ini.options(options.name) if name != FACTORY]
    return RpcInterface(
        name=options.name.removeprefix(INTERFACE),
        factory=factory,
        arguments={name: options.text(name) or "" for name in names},
        place=options.place,
    )


def _entry_point(value: str) -> str:
    if not _ENTRY_POINT.fullmatch(value):
        raise ValueError(f"is not module:callable: write {BUILT_IN}")
    return value
