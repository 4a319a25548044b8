"""An image without a registry: links and mount points, for containers that run the host's programs.

Commands have the same paths as on the host, so that what was tried locally runs in a container as it is.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

from endwell.engine.docker import DockerEngine
from endwell.engine.remote import RemoteEngine

if TYPE_CHECKING:
    from collections.abc import Iterable

_Engine = TypeVar("_Engine", bound=RemoteEngine)
_ROOTS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
_FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


@overload
def host_image_engine(
    image: str, *, host: str | None = None, mounts: Iterable[str] = (), writable: Iterable[str] = ()
) -> DockerEngine: ...
@overload
def host_image_engine(
    image: str,
    *,
    host: str | None = None,
    mounts: Iterable[str] = (),
    writable: Iterable[str] = (),
    kind: type[_Engine],
) -> _Engine: ...
def host_image_engine(
    image: str,
    *,
    host: str | None = None,
    mounts: Iterable[str] = (),
    writable: Iterable[str] = (),
    kind: type[RemoteEngine] = DockerEngine,
) -> RemoteEngine:
    """Import the image under the name `image`; return an engine whose containers run the host's programs.

    Args:
        image: the image's name; remove it with `engine.remove_image(image)`.
        host: the engine's address; None for the usual places.
        mounts: further paths of the host that containers see, read-only; /usr and its like always are.
        writable: paths of the host that containers may write to.
        kind: Docker's engine, or podman's.

    Raises:
        EngineError: no engine answers, or it refuses the image.
    """
    roots = [f"/{name}" for name in _ROOTS if Path("/", name).is_dir() and not Path("/", name).is_symlink()]
    outside = [path for path in mounts if not path.startswith("/usr/")]
    engine = kind(
        image, host=host, mounts=sorted({*outside, *roots}), writable=tuple(writable), network="none"
    )
    try:
        engine.import_image(image, root_archive())
    except BaseException:
        engine.close()
        raise
    return engine


def root_archive() -> bytes:
    """Return a tar of a root file system: the host's top-level links, mount points, and two files in /etc."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as root:
        for name in (*_ROOTS, "dev", "etc", "proc", "sys", "tmp"):
            entry = tarfile.TarInfo(name)
            host = Path("/", name)
            entry.mode = 0o1777 if name == "tmp" else 0o755
            entry.type = tarfile.SYMTYPE if host.is_symlink() else tarfile.DIRTYPE
            if host.is_symlink():
                entry.linkname = str(host.readlink())
            root.addfile(entry)
        for name, text in _FILES.items():
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            entry.size = len(text)
            root.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()
