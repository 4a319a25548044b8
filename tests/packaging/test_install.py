"""Installing: from a wheel, from the sources with each compiler, without one, and without any way."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from endwell import __version__
from tests.packaging.conftest import CLEAN, Environment, build, built, zig

compilers = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"needs {name}"))
    for name in ("musl-gcc", "gcc")
]


def program(folder: Path, name: str, text: str) -> Path:
    """Write a script that can be executed."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_wheel_brings_the_binary_and_takes_it_away_again(
    wheels: dict[str, Path], environment: Environment
) -> None:
    assert environment.pip("install", "--no-index", "--no-deps", str(wheels["x86_64"])).returncode == 0
    assert (environment.scripts / "endwell-init").read_bytes()[:4] == b"\x7fELF"
    assert environment.run("endwell-init", "--version").stdout == f"endwell-init {__version__}\n"
    assert environment.run("endwell-init", "--", "sh", "-c", "exit 7").returncode == 7
    assert environment.run("endwell", "init", "--version").stdout == f"endwell-init {__version__}\n"
    assert environment.run("endwell", "version").stdout.startswith(f"endwell {__version__}\n")
    assert environment.pip("uninstall", "--yes", "endwell").returncode == 0
    assert not (environment.scripts / "endwell-init").exists()


@pytest.mark.parametrize("compiler", compilers)
def test_each_compiler_makes_it(
    compiler: str, project: Path, environment: Environment, tmp_path: Path
) -> None:
    wheel = built(project, tmp_path / "dist", environment={"CC": compiler})
    assert environment.pip("install", "--no-index", "--no-deps", str(wheel)).returncode == 0
    assert environment.run("endwell-init", "--version").stdout == f"endwell-init {__version__}\n"


def test_editable_installation_has_the_binary_too(
    project: Path, environment: Environment, tmp_path: Path
) -> None:
    wheel = built(project, tmp_path / "dist", "editable")
    assert environment.pip("install", "--no-index", "--no-deps", str(wheel)).returncode == 0
    assert environment.run("endwell", "init", "--version").stdout == f"endwell-init {__version__}\n"


@pytest.mark.slow
def test_without_compiler_pip_brings_zig(project: Path, environment: Environment, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = environment.pip("install", "--no-deps", str(project), PATH=str(empty))
    assert done.returncode == 0, done.stdout + done.stderr
    assert environment.run("endwell-init", "--version").stdout == f"endwell-init {__version__}\n"


def test_without_compiler_and_zig_one_sentence_says_so(
    project: Path, environment: Environment, tmp_path: Path
) -> None:
    """Without isolation pip installs no build requirement, so nothing can bring zig."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert environment.pip("install", "hatchling").returncode == 0
    done = environment.pip(
        "install", "--no-deps", "--no-build-isolation", "--no-index", str(project), PATH=str(empty)
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said.count("cannot compile endwell-init: there is no C compiler on PATH and no zig in") == 1
    assert "install gcc or musl-tools, or `pip install ziglang`" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("compiler", "why"),
    [
        ("no-such-compiler -O2", "CC names 'no-such-compiler', which is not on PATH"),
        ("sh -c 'echo oh dear >&2; exit 4'", "ended with status 4; set CC to another compiler"),
        ("{script}", "it is not a static program for x86_64"),
    ],
)
def test_bad_compiler_is_told_without_traceback(
    compiler: str, why: str, project: Path, tmp_path: Path
) -> None:
    script = program(tmp_path, "compiler", 'for last; do :; done; cp /bin/sh "$last"')
    surroundings = {"CC": compiler.format(script=script), "ENDWELL_TARGET": "x86_64", "TMPDIR": str(tmp_path)}
    done = build(project, tmp_path / "dist", environment=surroundings)
    assert done.returncode != 0
    assert why in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("endwell-build-*")), "something is left"


def test_zig_is_a_build_requirement_only_when_needed(project: Path, tmp_path: Path) -> None:
    asks = "from hatchling.build import get_requires_for_build_wheel as ask; print(ask())"
    command = [sys.executable, "-c", asks]
    empty = tmp_path / "empty"
    empty.mkdir()
    program(tmp_path, "cc", "exit 0")
    for surroundings, asked in (
        ({"PATH": str(tmp_path)}, False),
        ({"PATH": str(empty)}, True),
        ({"PATH": str(tmp_path)} | zig("x86_64"), True),
        ({"PATH": str(tmp_path), "ENDWELL_TARGET": "aarch64"}, True),
        ({"PATH": str(tmp_path), "ENDWELL_TARGET": "aarch64", "CC": "cc"}, False),
    ):
        done = subprocess.run(
            command, cwd=project, env=CLEAN | surroundings, capture_output=True, text=True, check=True
        )
        assert ("ziglang==" in done.stdout) == asked, surroundings
