"""A container that is stopped while its first process still reads its files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from endwell.system.tree import children_of
from tests.supervise.under_init import NAMESPACE, command
from tests.supervise.upping import PATIENCE, SOURCES, STOP, program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.root


def stopped_while_it_reads(
    directory: Path, number: int, *arguments: str, prefix: tuple[str, ...] = NAMESPACE
) -> tuple[int, list[str]]:
    """Return the exit status of one that got a signal then, and what its service has said.

    Whoever is not told to end by it is so when its service has said something.
    """
    file = directory / "supervisord.conf"
    os.mkfifo(file)
    os.mkfifo(directory / "never")
    with subprocess.Popen(
        [*prefix, *command(), "up", *arguments, "--socket", "none", "-c", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        cwd=directory,
    ) as process:
        with file.open("w") as writing:  # it has opened it, too, and is in the middle of it
            (first,) = children_of(process.pid) if prefix else (process.pid,)
            os.kill(first, number)
            text = f"[supervisord]\nnodaemon=true\n{program('web', STOP)}"
            file.unlink()
            file.write_text(text)  # for a reload
            writing.write(text)
        begun = b""
        try:
            if number == signal.SIGHUP:
                assert process.stdout is not None
                begun = process.stdout.readline()
                process.terminate()
            out, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return process.returncode, (begun + out).decode().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_first_process_that_becomes_the_init_starts_nothing(tmp_path: Path, number: int) -> None:
    assert stopped_while_it_reads(tmp_path, number) == (128 + number, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_first_process_that_stays_itself_ends_what_it_starts(tmp_path: Path, number: int) -> None:
    status, _ = stopped_while_it_reads(tmp_path, number, "--no-init")
    assert status in {0, 128 + signal.SIGTERM}


def test_who_is_asked_for_a_reload_before_he_can_do_it_goes_on(tmp_path: Path) -> None:
    status, said = stopped_while_it_reads(tmp_path, signal.SIGHUP, "--no-init", prefix=())
    assert (status, said[:1]) == (0, ["up web"])


def test_who_is_told_to_stop_when_he_says_that_he_has_begun_ends_well(tmp_path: Path) -> None:
    (tmp_path / "supervisord.conf").write_text("[supervisord]\nnodaemon=true\npidfile=%(here)s/pid\n")
    code = (
        "import os, signal, sys; from endwell.__main__ import main; from endwell.supervise.manner import *;"
        "begun = AsSupervisord.begun;"
        "AsSupervisord.begun = lambda one: [begun(one), os.kill(os.getpid(), signal.SIGTERM)];"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "supervisord", "-c", f"{tmp_path}/supervisord.conf"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"received SIGTERM" in done.stdout
    assert not (tmp_path / "pid").exists()
