"""Building and installing copies of the project."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("csrc", "src", "hatch_build.py", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE")
MACHINES = ("x86_64", "aarch64")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("CC", "ENDWELL_", "PIP_"))}
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

Build = Callable[..., "subprocess.CompletedProcess[str]"]


def copy_project(target: Path) -> Path:
    """Copy what a build needs, as a source tree of its own; nobody edits it while we build twice."""
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    target.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, target / name)
    return target


def build(
    project: Path, output: Path, kind: str = "wheel", environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Build as pip does, through hatchling's PEP 517 functions; the last line printed names the file."""
    output.mkdir(parents=True, exist_ok=True)
    code = f"import sys; from hatchling.build import build_{kind}; print(build_{kind}(sys.argv[1]))"
    return subprocess.run(
        [sys.executable, "-c", code, str(output)],
        cwd=project,
        env=CLEAN | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def built(
    project: Path, output: Path, kind: str = "wheel", environment: Mapping[str, str] | None = None
) -> Path:
    """Build, and return the path of what was built."""
    done = build(project, output, kind, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return output / done.stdout.splitlines()[-1]


def zig(machine: str) -> dict[str, str]:
    """The environment of a release build."""
    return {"ENDWELL_ZIG": "1", "ENDWELL_TARGET": machine}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    return copy_project(tmp_path_factory.mktemp("packaging") / "project")


@pytest.fixture(scope="session")
def wheels(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of a release, by machine."""
    output = tmp_path_factory.mktemp("wheels")
    return {machine: built(project, output, environment=zig(machine)) for machine in MACHINES}


class Environment:
    """A fresh virtual environment, which pip installs into from outside."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.scripts = folder / "bin"

    def pip(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run pip for this environment."""
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.scripts)]
        command[-1] = str(self.scripts / "python")
        return subprocess.run(
            [*command, *words],
            env=CLEAN | PIP | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, program: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its scripts, with nothing else on PATH."""
        return subprocess.run(
            [str(self.scripts / program), *words],
            env=CLEAN | {"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    """A fresh virtual environment."""
    yield Environment(tmp_path / "environment")
    shutil.rmtree(tmp_path / "environment")
