"""`endwell up` at rest: never woken, small, and without what it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.budget.test_rest import ASLEEP, kilobytes, state, switches
from tests.supervise.upping import SOURCES, Up

if TYPE_CHECKING:
    from pathlib import Path

# `sleep` takes no log, no signal of its own and no time.
ASLEEP_FOR_LONG = "command=sleep 1000\nstartsecs=0\nredirect_stderr=true\n"
# What a supervisor of a hundred services may hold, in kB: Python itself is 8 to 9 MB of that, and since 3.14
# importing `typing` takes `ast` with it, and `ctypes` takes `threading`.
MEMORY = 15_000 if sys.version_info < (3, 14) else 18_000
# Each of them costs memory and time, and none is needed by who waits for processes and passes on their lines.
HEAVY = {
    "argparse",
    "ast",
    "asyncio",
    "concurrent",
    "ctypes.util",
    "dataclasses",
    "decimal",
    "difflib",
    "email",
    "gettext",
    "glob",
    "http",
    "importlib.metadata",
    "importlib.resources",
    "inspect",
    "json",
    "locale",
    "logging",
    "multiprocessing",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "textwrap",
    "threading",
    "urllib",
    "xml",
    "xmlrpc",
    "zipfile",
}
TELL = """
import sys
import contextlib, ctypes, typing
with contextlib.suppress(ImportError):
    import annotationlib
known = set(sys.modules)
from endwell.__main__ import main
status = main()
print(*sorted(sys.modules.keys() - known))
sys.exit(status)
"""


def services(number: int, logs: Path) -> str:
    return (
        f"[program:web]\n{ASLEEP_FOR_LONG}numprocs={number}\nprocess_name=web-%(process_num)s\n"
        f"stdout_logfile={logs}/%(process_num)s.log\n"
    )


def at_rest(up: Up, number: int) -> int:
    """Wait until all run and nothing is left to do; return the supervisor's number."""
    up.wait_until(lambda: sum("is running" in line for line in up.err) == number)
    while state(up.process.pid) != "S":
        os.sched_yield()
    return up.process.pid


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 100])
def test_never_woken_while_idle(tmp_path: Path, number: int) -> None:
    with Up(tmp_path, services(number, tmp_path)) as up:
        process = at_rest(up, number)
        before = switches(process)
        with subprocess.Popen(["sleep", ASLEEP]) as clock:
            assert clock.wait() == 0
        assert switches(process) == before
        assert up.stop() == 0


def test_memory_with_a_hundred_services_and_their_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What measures coverage in programs that are started needs more than they do.
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)
    with Up(tmp_path, services(100, tmp_path)) as up:
        assert kilobytes(at_rest(up, 100))["Pss"] <= MEMORY
        assert up.stop() == 0


@pytest.mark.parametrize("name", ["supervisord.conf", "endwell.toml"])
def test_nothing_heavy_is_imported(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(
        {
            "supervisord.conf": "[supervisord]\nnodaemon=true\nendwell_exit_when=all-exit\n"
            "[program:web]\ncommand=true\nautorestart=false\nstartsecs=0\n",
            "endwell.toml": 'exit-when = "all-exit"\n[services.web]\ncommand = "true"\n',
        }[name]
    )
    # Without `site`: what is installed beside endwell may import what it likes.
    done = subprocess.run(
        [sys.executable, "-S", "-c", TELL, "up", "-c", str(path)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.split()
    assert "endwell.supervise.supervisor" in modules
    assert [one for one in modules if one in HEAVY or one.partition(".")[0] in HEAVY] == []
