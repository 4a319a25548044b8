"""Builds of the init for tests: as it is shipped, with libc's start code and sanitizers, and with faults."""

from __future__ import annotations

import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "csrc"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class Variant(Enum):
    """How the init is built: the flags that are added to csrc/flags.txt, and those that are taken away."""

    PLAIN = ((), ())
    STRIPPED = (("-s",), ())
    FAULTS = (("-DSYS_FAULTS", "-g"), ())
    SANITIZED = (
        ("-DSYS_HOSTED", *SANITIZERS, "-g", "-O1", "-fno-omit-frame-pointer"),
        ("-ffreestanding", "-nostdlib", "-static", "-fno-pie", "-no-pie", "-Os", "-fomit-frame-pointer"),
    )

    def __init__(self, added: tuple[str, ...], removed: tuple[str, ...]) -> None:
        self.added = added
        self.removed = removed


@functools.cache
def build(variant: Variant) -> Path:
    """The init in that variant, compiled once for the same sources, flags and compiler.

    Raises:
        RuntimeError: when it cannot be compiled, with the compiler's words.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    flags = [flag for flag in (SOURCE / "flags.txt").read_text().split() if flag not in variant.removed]
    flags += [*variant.added, '-DENDWELL_VERSION="0.1.0"']
    sources = sorted(SOURCE.glob("*.c"))
    digest = hashlib.sha256(repr((compiler, flags)).encode())
    for file in [*sources, *sorted(SOURCE.glob("*.h"))]:
        digest.update(file.read_bytes())
    target = ROOT / ".pytest_cache" / "builds" / digest.hexdigest()[:16] / "endwell-init"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    growing = target.with_name(f"growing-{os.getpid()}")  # another test run may be building the same
    command = [*compiler, *flags, *map(str, sources), "-o", str(growing)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cannot build the init as {variant.name}: {shlex.join(command)}\n{done.stderr}")
    growing.replace(target)
    write_out(target)
    return target


def shipped() -> Path:
    """The endwell-init under test: of ENDWELL_INIT, else beside this Python, else built as it is shipped.

    One that is older than its sources is not what somebody who edits them wants to see tested.
    """
    given = os.environ.get("ENDWELL_INIT")
    if given:
        return Path(given).resolve()
    installed = Path(sys.executable).with_name("endwell-init")
    newest = max(path.stat().st_mtime for path in SOURCE.iterdir())
    if installed.exists() and installed.stat().st_mtime >= newest:
        return installed
    return build(Variant.STRIPPED)


def write_out(path: Path) -> None:
    """Have a file on the disk: what is still to be written counts as a dirty page of whoever runs it."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def has_sanitizers() -> bool:
    """Whether the compiler brings the sanitizers' libraries (gcc does; a bare clang or zig may not)."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if shutil.which(compiler[0]) is None:
        return False
    command = [*compiler, *SANITIZERS, "-x", "c", "-", "-o", "/dev/null"]
    return (
        subprocess.run(
            command, input=b"int main(void) { return 0; }", capture_output=True, check=False
        ).returncode
        == 0
    )
