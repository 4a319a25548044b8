"""An image that holds its programs itself, and sees nothing of the host: busybox, a few guests, tini.

So the endwell command, which lends an image nothing but its own init, finds something to run in there.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests import zoo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from endwell.engine.remote import RemoteEngine

# Guests written in C, which are linked statically; each is /bin/NAME.
GUESTS = ("handles-term", "no-handler", "ignores-term")
_APPLETS = ("cat", "echo", "httpd", "id", "sh", "sleep", "test", "touch", "tty")
_DIRECTORIES = ("bin", "dev", "etc", "proc", "sys", "tmp")
_FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


@contextmanager
def program_image(
    engine: RemoteEngine, name: str, command: Sequence[str], stop_signal: str = "", health: str = ""
) -> Iterator[str]:
    """Give the image's name; `command` is its CMD, `stop_signal` its STOPSIGNAL, `health` its HEALTHCHECK."""
    changes = [f"CMD {json.dumps(list(command))}"]
    if health:
        changes.append(f"HEALTHCHECK --interval=1s CMD {health}")
    if stop_signal and engine.name != "docker":
        changes.append(f"STOPSIGNAL {stop_signal}")
    engine.import_image(name, _archive(), changes)
    try:
        if stop_signal and engine.name == "docker":
            # Its import takes no stop signal.
            mother = {"Image": name, "Cmd": list(command), "StopSignal": stop_signal}
            engine.client.ask("POST", "/containers/create", {"name": "mother"}, mother)
            engine.client.ask("POST", "/commit", {"container": "mother", "repo": name}, {})
            engine.discard("mother")
        yield name
    finally:
        engine.remove_image(name)


def _archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as root:
        for name in _DIRECTORIES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            root.addfile(entry)
        for name, text in _FILES.items():
            _add(root, name, text.encode(), 0o644)
        programs = {guest: zoo.command(guest)[0] for guest in GUESTS}
        for name, path in {**programs, "busybox": _found("busybox"), "tini": _found("tini-static")}.items():
            _add(root, f"bin/{name}", Path(path).read_bytes(), 0o755)
        for name in _APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            root.addfile(entry)
    return content.getvalue()


def _add(root: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = mode, len(content)
    root.addfile(entry, io.BytesIO(content))


def _found(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"no static {program}; install the packages busybox and tini"
    return path
