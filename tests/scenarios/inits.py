"""The inits that are compared: what they are called as."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path

from endwell.records import dataclass

_ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Init:
    """One column of the matrix: the words before the command; none at all for the column `none`."""

    name: str
    program: str
    arguments: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether it is the one we build."""
        return self.name == "endwell-init"

    @property
    def path(self) -> str | None:
        """The program's absolute path, or None when it is not installed."""
        return str(endwell_init() or "") or None if self.ours else shutil.which(self.program)

    def words(self, *, dashes: bool = True, grace: float, options: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return what to put before a command; `grace` and `options` only ours understands."""
        if not self.program:
            return ()
        if self.path is None:
            message = (
                f"{self.name} is not installed; apt-get install {self.program}, or set ENDWELL_INIT for ours"
            )
            raise FileNotFoundError(message)
        own = ("--grace", f"{grace:g}s", *options) if self.ours else ()
        return (self.path, *self.arguments, *own, *(("--",) if dashes else ()))


INITS = (
    Init("none", ""),
    Init("tini", "tini"),
    Init("tini -g", "tini", ("-g",)),
    Init("dumb-init", "dumb-init"),
    Init("dumb-init -c", "dumb-init", ("-c",)),
    Init("catatonit", "catatonit"),
    Init("catatonit -g", "catatonit", ("-g",)),
    Init("endwell-init", "endwell-init"),
)


@cache
def endwell_init() -> Path | None:
    """Return our binary: ENDWELL_INIT, else beside the interpreter, else on the PATH; never a script."""
    named = os.environ.get("ENDWELL_INIT")
    found = shutil.which("endwell-init")
    candidates = [named] if named else [str(Path(sys.executable).parent / "endwell-init"), found]
    for candidate in candidates:
        if candidate and Path(candidate).is_file() and Path(candidate).read_bytes()[:4] == _ELF:
            return Path(candidate).resolve()
    return None
