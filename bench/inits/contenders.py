"""The programs that are measured against each other, and how the benchmark's own C files are built."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WITH_LIBC = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-static")
WITHOUT_LIBC = (
    *("-std=c11", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-static", "-no-pie"),
    *("-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
    *("-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,-z,noseparate-code", "-s"),
)
TRACER = "strace"
PEERS = ("tini", "tini-static", "dumb-init", "catatonit")
OURS = "endwell-init"
FLOOR = "no libc"
"""An init without a libc that forks: the floor our own start is held against."""


class CannotBuildError(Exception):
    """Says what could not be built, why, and what to do next."""


@dataclasses.dataclass(frozen=True)
class Contender:
    """One init: the name in the table, the file, and the words that start a command under it."""

    name: str
    path: Path

    def command(self, *command: str | Path) -> list[str]:
        """The argument list that runs `command` under this init."""
        return [str(self.path), "--", *map(str, command)]


@dataclasses.dataclass(frozen=True)
class Field:
    """Everything a run needs: the inits, the plain command, the measuring helper, and what is missing."""

    inits: tuple[Contender, ...]
    plain: Path
    helper: Path
    missing: tuple[str, ...]


def field(into: Path, ours: Path | None) -> Field:
    """Build what is ours into the directory `into` and find the peers that are installed."""
    helper = build(into / "helper", HERE / "helper.c", WITH_LIBC, libc=True)
    plain = build(into / "nothing", HERE / "nothing.c", WITHOUT_LIBC)
    inits = [Contender(OURS, ours or our_init(into))]
    found = {name: shutil.which(name) for name in PEERS}
    inits += [Contender(name, Path(path)) for name, path in found.items() if path]
    inits.append(Contender(FLOOR, build(into / "bare", HERE / "bare.c", WITHOUT_LIBC)))
    shared = build(into / "bare-vfork", HERE / "bare.c", (*WITHOUT_LIBC, "-DSHARE"))
    inits.append(Contender(f"{FLOOR}, vfork", shared))
    for init in inits:
        write_out(init.path)
    missing = [name for name in (*PEERS, TRACER) if not shutil.which(name)]
    return Field(tuple(inits), plain, helper, tuple(missing))


def write_out(path: Path) -> None:
    """Have a file on the disk: what is still to be written counts as a dirty page of whoever runs it."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def our_init(into: Path) -> Path:
    """The endwell-init of ENDWELL_INIT, else the one beside this Python, else one built from csrc/."""
    given = os.environ.get("ENDWELL_INIT")
    if given:
        return Path(given).resolve()
    installed = Path(sys.executable).with_name(OURS)
    if installed.exists():
        return installed
    source = ROOT / "csrc"
    if not (source / "flags.txt").exists():
        message = f"no {OURS}: none beside {sys.executable} and no {source}; name one with --endwell FILE"
        raise CannotBuildError(message)
    flags = (source / "flags.txt").read_text().split()
    version = '-DENDWELL_VERSION="benchmark"'
    return build(into / OURS, *sorted(source.glob("*.c")), (*flags, version))


def build(target: Path, *sources_and_flags: Path | tuple[str, ...], libc: bool = False) -> Path:
    """Compile C files to the static program `target`; what needs a libc gets musl's where it is installed."""
    sources = [str(part) for part in sources_and_flags if isinstance(part, Path)]
    flags = [flag for part in sources_and_flags if isinstance(part, tuple) for flag in part]
    musl = "musl-gcc" if libc and shutil.which("musl-gcc") else "cc"
    compiler = shlex.split(os.environ.get("CC", "")) or [musl]
    command = [*compiler, *flags, *sources, "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        message = f"cannot build {target.name}: no compiler {compiler[0]!r}; install one or set CC"
        raise CannotBuildError(message) from None
    if done.returncode:
        message = f"cannot build {target.name}: {shlex.join(command)}\n{done.stderr.strip()}"
        raise CannotBuildError(message)
    return target
