"""A supervisor that has become a user who could not read a line of it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.supervise.controlling import Talk
from tests.supervise.upping import PATIENCE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root

NOBODY = 65534
# What measures coverage in programs that are started could not write down what it has seen.
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
CONF = """\
[supervisord]
user=65534
nodaemon=true
logfile=/dev/null
pidfile=%(here)s/pid
childlogdir=%(here)s
{}
[program:web]
command=sleep 1000
startsecs=0
"""


@pytest.fixture
def here() -> Iterator[Path]:
    """A directory of that user's; those of pytest are root's alone."""
    path = Path(tempfile.mkdtemp(prefix="ew"))
    os.chown(path, NOBODY, NOBODY)
    (path / "private").mkdir(0o700)
    shutil.copytree(SOURCES, path / "private" / "src", ignore=shutil.ignore_patterns("__pycache__"))
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("servers", ["", "[unix_http_server]\nfile=%(here)s/u\n"])
def test_it_does_all_it_did_before(here: Path, servers: str) -> None:
    (here / "supervisord.conf").write_text(CONF.format(servers))
    with subprocess.Popen(
        [sys.executable, "-m", "endwell", "supervisord", "-c", str(here / "supervisord.conf")],
        env={**UNMEASURED, "PYTHONPATH": str(here / "private" / "src"), "ENDWELL_SOCKET": str(here / "s")},
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            assert process.stdout is not None
            said = b""
            while b"success: web" not in said:
                ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
                assert ready, said
                part = os.read(process.stdout.fileno(), 65536)
                assert part, said
                said += part
            assert Path(f"/proc/{process.pid}").stat().st_uid == NOBODY
            with Talk(str(here / "s")) as talk:
                assert talk.rows()["web"]["state"] == "RUNNING"
                assert "did you mean web?" in talk.refused("stop", services=["wbe"])[1]
                assert talk.results("restart", "web") == {"web": ""}
                talk.ask("reload")
            process.send_signal(signal.SIGTERM)
            said += process.communicate(timeout=PATIENCE)[0]
        finally:
            process.kill()
    assert process.returncode == 0
    assert b"mistake" not in said
    assert b"Traceback" not in said
    assert (b"clients of [unix_http_server] cannot be served" in said) == bool(servers)
