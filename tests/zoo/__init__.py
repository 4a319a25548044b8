"""The zoo: small programs that each misbehave in one way, and the table of them.

To add a guest, put one file into `guests/`: NAME.sh, NAME.py or NAME.c, with a line `guest: what it does
wrong` in its leading comment. It prints a line `ready` once the situation it stands for is set up, then a
line for every fact (`told TERM`, `flushed`), each in one write, so that a test waits for facts. A file whose
line says `caller:` instead stands for whoever starts an init: it puts something into a state and becomes the
command that its arguments name.

    python -m tests.zoo           prints the table
    zoo.command("ignores-term")   is what to run
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GUESTS = Path(__file__).parent / "guests"

_HEADER = re.compile(r"^\W*(?P<kind>guest|caller): (?P<sentence>.+?)(?: \*/)?$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9-]*)\}")
_COMPILERS = (("musl-gcc",), ("cc",), ("gcc",), ("clang",))
_FLAGS = ("-std=gnu11", "-O1", "-static", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True, slots=True)
class Guest:
    """One file of the zoo: `kind` is guest or caller, `sentence` is its header."""

    name: str
    path: Path
    kind: str
    sentence: str


@cache
def guests() -> dict[str, Guest]:
    """Return every guest and caller by name; ValueError for a file without a header."""
    found = {}
    for path in sorted(GUESTS.iterdir()):
        if path.suffix not in {".sh", ".py", ".c"}:
            continue
        header = _HEADER.search(path.read_text())
        if header is None:
            message = f"{path}: no line 'guest: ...' or 'caller: ...'; say in one line what it does wrong"
            raise ValueError(message)
        found[path.stem] = Guest(path.stem, path, header["kind"], header["sentence"])
    return found


def command(name: str) -> tuple[str, ...]:
    """Return the words that run the guest called `name`, with absolute paths; compiles it if need be."""
    path = guests()[name].path
    if path.suffix == ".sh":
        return ("/bin/sh", str(path))
    if path.suffix == ".py":
        # Isolated and without site: a start of 10 ms, and nothing of the caller's environment.
        return (_python(), "-I", "-S", str(path))
    return (str(_compiled(path)),)


def expand(words: tuple[str, ...]) -> tuple[str, ...]:
    """Replace `{name}` by the guest's command: by several words, or inside a longer word by quoted ones."""
    expanded: list[str] = []
    for word in words:
        alone = _PLACEHOLDER.fullmatch(word)
        if alone:
            expanded.extend(command(alone[1]))
        else:
            expanded.append(_PLACEHOLDER.sub(lambda match: shlex.join(command(match[1])), word))
    return tuple(expanded)


def places() -> tuple[str, ...]:
    """Return the directories a container must see, under the same paths, to run guests."""
    return (
        str(GUESTS),
        str(cache_directory()),
        *(() if _python().startswith("/usr/") else (sys.base_prefix,)),
    )


def cache_directory() -> Path:
    """Return the directory for compiled guests, made if need be; one per user, safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path(tempfile.gettempdir())
    directory = home / f"endwell-zoo-{os.geteuid()}"
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        message = f"{directory} belongs to somebody else; remove it or set XDG_CACHE_HOME"
        raise PermissionError(message)
    return directory


@cache
def _python() -> str:
    """Return a real interpreter: a version manager's wrapper would be one process more in every tree."""
    system = "/usr/bin/python3"
    if Path(system).exists():
        return system
    return str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))


@cache
def _compiled(source: Path) -> Path:
    compiler = next((words for words in _COMPILERS if shutil.which(words[0])), None)
    if compiler is None:
        message = (
            f"cannot compile {source.name}: no C compiler; install musl-tools, or gcc with a static libc"
        )
        raise FileNotFoundError(message)
    key = hashlib.sha256(b"\0".join([source.read_bytes(), *(word.encode() for word in (*compiler, *_FLAGS))]))
    target = cache_directory() / f"{source.stem}-{key.hexdigest()[:16]}"
    if not target.exists():
        # Renamed when complete: two test runs at once must never execute half a file.
        with tempfile.TemporaryDirectory(dir=target.parent) as workshop:
            made = Path(workshop, source.stem)
            subprocess.run([*compiler, *_FLAGS, str(source), "-o", str(made)], check=True)
            made.rename(target)
    return target
