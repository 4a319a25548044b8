"""The zoo: small programs that each misbehave in one way, and the table of them.

To add a guest, put one file into `guests/`: NAME.sh, NAME.py or NAME.c, with a line `guest: what it does
wrong` in its leading comment. It prints a line `ready` once the situation it stands for is set up, then a
line for every fact (`told TERM`, `flushed`), each in one write, so that a test waits for facts. A file whose
line says `caller:` instead stands for whoever starts an init: it puts something into a state and becomes the
command that its arguments name. A file NAME.run is nothing but such a comment.

What else the comment may say, a line each:

    run: dash -c "{handles-term}; true"   the command, as a shell would read it: {self} is the file (of a C
                                          guest: the program), {NAME} another guest, {NAME.sh} its file
    grace: 0.5                            seconds until the engine kills (10)
    signal: INT                           the stop signal (TERM)
    ready: ends                           it ends before it would be ready; `never`: it stays, and prints
                                          `starting` instead
    needs: su root                        programs, besides the first one of `run:`, and the right of root
    mode: setuid                          of a C guest: its program has the set-user-ID bit
    prints: told TERM; flushed            lines it prints when it is run and stopped: its own word for it
    never prints: flushed                 lines it must not print then
    not under: seccomp; it slows kill     a back end that changes what happens, and why
    expect: killed, exit 137, EW101       what an observer has to see: tests/zoo/expectations.py
    expect: 1 dash: TERM from outside, discarded; killed by engine

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
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.model.signals import TERM, Signal
from endwell.records import dataclass
from tests.zoo.expectations import parse
from tests.zoo.header import read_header

if TYPE_CHECKING:
    from tests.zoo.expectations import Expectation

GUESTS = Path(__file__).parent / "guests"

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9-]*(?:\.(?:sh|py))?)\}")
_COMPILERS = (("musl-gcc",), ("cc",), ("gcc",), ("clang",))
_FLAGS = ("-std=gnu11", "-O1", "-static", "-Wall", "-Wextra", "-Werror")
_READY = ("line", "ends", "never")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One file of the zoo: `kind` is guest or caller, `sentence` is its header; see above for the rest."""

    name: str
    path: Path
    kind: str
    sentence: str
    run: tuple[str, ...] = ()
    grace: float = 10.0
    signal: Signal = TERM
    ready: str = "line"
    needs: tuple[str, ...] = ()
    mode: str = ""
    prints: tuple[str, ...] = ()
    never_prints: tuple[str, ...] = ()
    not_under: tuple[str, ...] = ()
    expectation: Expectation | None = None


@cache
def guests() -> dict[str, Guest]:
    """Return every guest and caller by name; ValueError for a file whose header cannot be read."""
    found = {}
    for path in sorted(GUESTS.iterdir()):
        if path.suffix in {".sh", ".py", ".c", ".run"}:
            if path.stem in found:
                raise ValueError(f"{path}: there is another guest of that name; rename one")
            found[path.stem] = _guest(path)
    return found


def _guest(path: Path) -> Guest:
    header = read_header(path)
    single = {key: values[0] for key, values in header.items()}
    kind = "guest" if "guest" in header else "caller"
    ready = single.get("ready", "line")
    if ready not in _READY:
        raise ValueError(f"{path}: 'ready: {ready}' is not understood; there are {', '.join(_READY)}")
    run = tuple(shlex.split(single.get("run", "")))
    if path.suffix == ".run" and not run:
        raise ValueError(f"{path}: no line 'run: ...'; say what is to be run")
    try:
        return Guest(
            name=path.stem,
            path=path,
            kind=kind,
            sentence=single[kind],
            run=run,
            grace=float(single.get("grace", "10")),
            signal=Signal.parse(single.get("signal", "TERM")),
            ready=ready,
            needs=tuple(single.get("needs", "").split()),
            mode=single.get("mode", ""),
            prints=_texts(single.get("prints", "")),
            never_prints=_texts(single.get("never prints", "")),
            not_under=_texts(single.get("not under", ""))[:1],
            expectation=parse(header["expect"]) if "expect" in header else None,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _texts(value: str) -> tuple[str, ...]:
    return tuple(text.strip() for text in value.split(";") if text.strip())


def command(name: str) -> tuple[str, ...]:
    """Return the words that run the guest called `name`, with absolute paths; compiles it if need be.

    Raises:
        FileNotFoundError: a program it runs is not installed.
    """
    guest = guests()[name]
    if not guest.run:
        return _plain(guest)
    own = (str(_compiled(guest.path, guest.mode)) if guest.path.suffix == ".c" else str(guest.path),)
    program, *rest = expand(guest.run, own)
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(f"the guest {name} runs {program}, which is not installed")
    return found, *rest


def missing(name: str) -> str:
    """Return what the guest called `name` needs and this machine does not have; empty when it can run."""
    guest = guests()[name]
    programs = [word for word in (*guest.run[:1], *guest.needs) if word != "root" and "{" not in word]
    absent = [word for word in programs if shutil.which(word) is None]
    if "root" in guest.needs and os.geteuid():
        absent.append("root")
    return ", ".join(absent)


def _plain(guest: Guest) -> tuple[str, ...]:
    if guest.path.suffix == ".sh":
        return ("/bin/sh", str(guest.path))
    if guest.path.suffix == ".py":
        # Isolated and without site: a start of 10 ms, and nothing of the caller's environment.
        return (_python(), "-I", "-S", str(guest.path))
    return (str(_compiled(guest.path, guest.mode)),)


def expand(words: tuple[str, ...], own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Replace `{name}` by the guest's command: by several words, or inside a longer word by quoted ones.

    `{name.sh}` becomes the path of the guest's file, `{endwell-init}` that of our init, `{self}` `own`.
    """

    def meant(placeholder: str) -> tuple[str, ...]:
        if placeholder == "self" and own:
            return own
        if placeholder == "endwell-init":
            return (_endwell_init(),)
        if "." in placeholder:
            return (str(GUESTS / placeholder),)
        return command(placeholder)

    expanded: list[str] = []
    for word in words:
        alone = _PLACEHOLDER.fullmatch(word)
        if alone:
            expanded.extend(meant(alone[1]))
        else:
            expanded.append(_PLACEHOLDER.sub(lambda match: shlex.join(meant(match[1])), word))
    return tuple(expanded)


def _endwell_init() -> str:
    from tests.init.builds import shipped  # noqa: PLC0415  it may compile, which few guests need

    return str(shipped())


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
def _compiled(source: Path, mode: str = "") -> Path:
    compiler = next((words for words in _COMPILERS if shutil.which(words[0])), None)
    if compiler is None:
        message = (
            f"cannot compile {source.name}: no C compiler; install musl-tools, or gcc with a static libc"
        )
        raise FileNotFoundError(message)
    words = (*compiler, *_FLAGS, *([mode] if mode else ()))
    key = hashlib.sha256(b"\0".join([source.read_bytes(), *(word.encode() for word in words)]))
    target = cache_directory() / f"{source.stem}-{key.hexdigest()[:16]}"
    if not target.exists():
        # Renamed when complete: two test runs at once must never execute half a file.
        with tempfile.TemporaryDirectory(dir=target.parent) as workshop:
            made = Path(workshop, source.stem)
            subprocess.run([*compiler, *_FLAGS, str(source), "-o", str(made)], check=True)
            if mode == "setuid":
                made.chmod(0o4755)
            made.rename(target)
    return target
