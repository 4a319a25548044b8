"""Files of services that a test makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.parse.services import read_services

if TYPE_CHECKING:
    from endwell.model.service import ServiceSpec
    from endwell.parse.services import Services

FILE = "app/endwell.toml"
WEB = '[services.web]\ncommand = "run"\n'
MISSING = FileNotFoundError(2, "No such file or directory")
FORBIDDEN = PermissionError(13, "Permission denied")
NO_TEXT = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def read(text: str, files: dict[str, str | Exception] | None = None, **environment: str) -> Services:
    """Read a file that says this, other files being beside it."""
    there = {FILE: text, **(files or {})}

    def reader(path: str) -> str:
        found = there.get(path, MISSING)
        if isinstance(found, Exception):
            raise found
        return found

    return read_services(FILE, reader, environment)


def web(options: str, **environment: str) -> ServiceSpec:
    """Return the only service, which has these options."""
    (spec,) = read(WEB + options, None, **environment).project.services
    return spec
