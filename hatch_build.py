"""Compile csrc/ to the static binary `endwell-init` and put it, as it is, among the wheel's scripts.

The binary contains no libc and asks the kernel for everything itself, so any C compiler can make it and one
wheel serves every Linux: glibc, musl, or nothing at all (`FROM scratch`). What decides is, in this order:

    ENDWELL_TARGET  the machine the wheel is for, x86_64 or aarch64; another than this one needs zig or $CC
    ENDWELL_ZIG=1   compile with zig from the Python package index, whatever is installed here
    CC              compile with this
    musl-gcc, cc, gcc, clang   the first that is on PATH
    zig             when there is nothing else: then it is a build requirement, which pip installs by itself

Reproducible: the sources are named relative to the project, nothing in them depends on the clock, the binary
is stripped and has no build id; hatchling gives every archive member the same time (or SOURCE_DATE_EPOCH).
"""

import importlib.util
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilderConfig

BINARY = "endwell-init"


@dataclass(frozen=True)
class Machine:
    """A processor the init is written for: its number in an ELF header and the wheel tags it gets."""

    elf: int
    platforms: tuple[str, ...]

    @property
    def tag(self) -> str:
        """The compressed tag set of the wheel."""
        return "py3-none-" + ".".join(self.platforms)


MACHINES = {
    "x86_64": Machine(62, ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64")),
    "aarch64": Machine(183, ("manylinux2014_aarch64", "manylinux_2_17_aarch64", "musllinux_1_1_aarch64")),
}

# After csrc/flags.txt, for every compiler. A warning of a compiler nobody has seen yet must not keep a user
# from installing: our own tests compile without the first one.
FLAGS = ("-Wno-error", "-s", "-Wl,--build-id=none")

# zig cc is clang with checks switched on that need a run-time library; and clang's -Os is larger than gcc's.
ZIG_FLAGS = (
    *("-fno-sanitize=all", "-Wno-unused-command-line-argument", "-Wno-unknown-warning-option"),
    *("-Oz", "-mllvm", "-inline-threshold=-50", "-mllvm", "-enable-machine-outliner"),
)

# What zig's driver refuses although its linker does it, by default.
ZIG_REFUSES = ("-Wl,-z,noseparate-code",)

COMPILERS = ("musl-gcc", "cc", "gcc", "clang")


class BuildError(Exception):
    """What cannot be built, why, and what to do about it, in one sentence."""


@dataclass(frozen=True)
class Compiler:
    """The words that start a compiler, the flags only this one needs, and those it does not take."""

    words: tuple[str, ...]
    flags: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()


def target_machine() -> str | None:
    """The name of the machine the binary is for, or None where it cannot run (it is for Linux only)."""
    asked = os.environ.get("ENDWELL_TARGET")
    if asked is None and sys.platform != "linux":
        return None
    name = asked or platform.machine()
    if name not in MACHINES:
        known = " and ".join(MACHINES)
        raise BuildError(
            f"cannot build {BINARY} for {name!r}: it is written for {known}; set ENDWELL_TARGET to one"
        )
    return name


def choose_compiler(machine: str) -> Compiler | None:
    """The compiler for this machine, or None when it has to be zig (see the top of this file)."""
    if os.environ.get("ENDWELL_ZIG", "0") not in {"", "0"}:
        return None
    if words := tuple(shlex.split(os.environ.get("CC", ""))):
        if shutil.which(words[0]) is None:
            raise BuildError(
                f"cannot compile {BINARY}: CC names {words[0]!r}, which is not on PATH; correct or unset CC"
            )
        return Compiler(words)
    if machine != platform.machine() or sys.platform != "linux":
        return None
    return next((Compiler((name,)) for name in COMPILERS if shutil.which(name)), None)


def zig_compiler(machine: str) -> Compiler:
    """Zig from the Python environment that builds."""
    if importlib.util.find_spec("ziglang") is None:
        raise BuildError(
            f"cannot compile {BINARY}: there is no C compiler on PATH and no zig in {sys.prefix}; "
            "install gcc or musl-tools, or `pip install ziglang`, and try again"
        )
    return Compiler(
        (sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-musl"), ZIG_FLAGS, ZIG_REFUSES
    )


def compile_init(root: Path, output: Path, *, machine: str, version: str) -> None:
    """Compile csrc/*.c to the static binary `output`, and see that it is one."""
    compiler = choose_compiler(machine) or zig_compiler(machine)
    sources = sorted(path.relative_to(root) for path in (root / "csrc").glob("*.c"))
    if not sources:
        raise BuildError(f"cannot compile {BINARY}: no C file in {root / 'csrc'}; the sources are incomplete")
    lines = (root / "csrc/flags.txt").read_text().splitlines()
    command = [
        *compiler.words,
        *(line for line in lines if line and not line.startswith("#") and line not in compiler.refuses),
        *FLAGS,
        *compiler.flags,
        f"-ffile-prefix-map={root}=.",
        f'-DENDWELL_VERSION="{version}"',
        *map(str, sources),
        "-o",
        str(output),
    ]
    done = subprocess.run(
        command, cwd=root, check=False, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if done.returncode != 0:
        raise BuildError(
            f"{done.stderr.rstrip()}\ncannot compile {BINARY}: `{shlex.join(compiler.words)}` ended with "
            f"status {done.returncode}; set CC to another compiler, or ENDWELL_ZIG=1 to use zig"
        )
    if not is_static_elf(output.read_bytes(), MACHINES[machine].elf):
        raise BuildError(
            f"cannot use what `{shlex.join(compiler.words)}` made of {BINARY}: it is not a static program "
            f"for {machine}; set CC to another compiler, or ENDWELL_ZIG=1 to use zig"
        )


def is_static_elf(data: bytes, machine: int) -> bool:
    """Say whether `data` is a 64-bit ELF program for `machine` (e_machine) that needs no loader."""
    if data[:6] != b"\x7fELF\x02\x01":
        return False
    program_headers, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
    kinds = {struct.unpack_from("<I", data, program_headers + size * index)[0] for index in range(count)}
    needs_loader = 3  # PT_INTERP
    return struct.unpack_from("<H", data, 18) == (machine,) and needs_loader not in kinds


class CustomBuildHook(BuildHookInterface[WheelBuilderConfig]):
    """What hatchling calls: declare zig when it is needed, compile, and name the wheel."""

    folder: Path | None = None

    def dependencies(self) -> list[str]:
        """Return the build requirements this machine has beyond hatchling."""
        try:
            machine = target_machine()
            if machine is None or choose_compiler(machine) is not None:
                return []
        except BuildError:
            return []  # told when it is built
        project = tomllib.loads((Path(self.root) / "pyproject.toml").read_text())
        zig: list[str] = project["dependency-groups"]["zig"]
        return zig

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the init into a folder of its own; hatchling takes it from there."""
        del version  # of the build target, not ours
        try:
            machine = target_machine()
            if machine is None:
                return  # a wheel without the init, for the parts that also work elsewhere
            self.folder = Path(tempfile.mkdtemp(prefix="endwell-build-"))
            binary = self.folder / BINARY
            compile_init(Path(self.root), binary, machine=machine, version=self.metadata.version)
        except BuildError as error:
            self.clear()
            self.app.abort(str(error))
        else:
            build_data["pure_python"] = False
            build_data["tag"] = MACHINES[machine].tag
            build_data["shared_scripts"] = {str(binary): BINARY}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        del version, build_data, artifact_path
        self.clear()

    def clear(self) -> None:
        """Remove the folder the init was compiled in."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
