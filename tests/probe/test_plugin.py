"""The pytest plug-in as a project uses it, whose pytest finds it by itself; and the example of its page."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import zoo
from tests.probe.programs import free_port
from tests.support.session import docker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from endwell.engine.docker import DockerEngine

__all__ = ["docker"]

PAGE = Path(__file__).parents[2] / "docs/how-to/assert-in-your-tests.md"
SERVER = Path(__file__).parent / "programs/graceful.c"
ENDS = "handles-term"


def project(
    directory: Path, text: str, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a test file of somebody's project, whose pytest finds the plug-in by itself."""
    (directory / "test_ending.py").write_text(text)
    (directory / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
    )


def asks(guest: str, *, then: str = "within=5.0") -> str:
    return (
        "def test_it(endwell_probe):\n"
        f"    stopped = endwell_probe(*{zoo.command(guest)!r}, ready='log:ready', grace=0.3)\n"
        f"    stopped.assert_ends_well({then})\n"
    )


def test_what_ends_well_passes(tmp_path: Path) -> None:
    done = project(tmp_path, asks(ENDS))
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_what_does_not_fails_with_the_report(tmp_path: Path) -> None:
    done = project(tmp_path, asks("no-handler"))
    assert done.returncode == 1
    assert "it ends badly: EW201" in done.stdout
    assert "PID 1" in done.stdout
    assert "Traceback" not in done.stdout
    assert "1 failed" in done.stdout


def test_a_finding_may_be_allowed(tmp_path: Path) -> None:
    done = project(tmp_path, asks("no-handler", then="allow={'EW201'}"))
    assert done.returncode == 0, done.stdout


def test_it_has_to_be_in_time(tmp_path: Path) -> None:
    done = project(tmp_path, asks(ENDS, then="within=0.0"))
    assert done.returncode == 1
    assert "more than 0 s" in done.stdout


def test_a_warning_counts_when_asked(tmp_path: Path) -> None:
    text = "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done"
    call = f"    stopped = endwell_probe('/bin/sh', '-c', {text!r}, ready='log:ready')\n"
    test = f"def test_it(endwell_probe):\n{call}    stopped.assert_ends_well("
    assert project(tmp_path, f"{test})\n").returncode == 0
    strict = project(tmp_path, f"{test}warnings=False)\n")
    assert strict.returncode == 1
    assert "EW402" in strict.stdout


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("endwell_probe()", "nothing to stop"),
        ("endwell_probe('/no/such/program')", "cannot start /no/such/program"),
        ("endwell_probe('true', signal='TREM')", "did you mean TERM?"),
        ("endwell_probe('true', ready='then')", "nothing to wait for"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, call: str, said: str) -> None:
    done = project(tmp_path, f"def test_it(endwell_probe):\n    {call}\n")
    assert done.returncode == 1
    assert said in done.stdout


def example() -> str:
    """Return the example of the page, word for word."""
    (found,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


@pytest.fixture
def image(docker: DockerEngine) -> Iterator[tuple[str, int]]:
    """Give an image of a server that loses nothing, and the port on which it serves."""
    port = free_port()
    server = zoo._compiled(SERVER)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as root:
        root.add(server, "server")
    name = "endwell-page"
    docker.import_image(name, content.getvalue(), [f'CMD ["/server", "{port}"]'])
    try:
        yield name, port
    finally:
        docker.remove_image(name)


@pytest.mark.docker
@pytest.mark.root
def test_the_example_of_the_page_runs(docker: DockerEngine, image: tuple[str, int], tmp_path: Path) -> None:
    name, port = image
    text = example()
    assert '"app:1"' in text
    assert "8080" in text
    text = text.replace('"app:1"', repr(name)).replace("8080", str(port))
    done = project(tmp_path, text, environment={"DOCKER_HOST": docker.endpoint.url})
    assert "2 passed" in done.stdout, done.stdout
