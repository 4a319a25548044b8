"""Ends that no ordinary program has, told truthfully all the same."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from tests.init import reports
from tests.init.builds import shipped
from tests.init.support import Init, Place, run

if TYPE_CHECKING:
    from pathlib import Path

TERM = signal.SIGTERM
# Its first thread ends, the second one goes on: the process looks like a zombie.
HEADLESS = """
#include <pthread.h>
#include <unistd.h>
static void *rest(void *unused)
{
    (void)unused;
    if (write(1, "ready\\n", 6) != 6) return 0;
    for (;;) pause();
}
int main(void) { pthread_t thread; pthread_create(&thread, 0, rest, 0); pthread_exit(0); }
"""
# While its handler runs, the kernel blocks the signal.
STUCK = """
#include <signal.h>
#include <unistd.h>
static void handler(int number) { (void)number; for (;;) pause(); }
int main(void) { signal(SIGTERM, handler); if (write(1, "ready\\n", 6) != 6) return 1; for (;;) pause(); }
"""


def compiled(source: str, directory: Path) -> str:
    """Compile a guest and return its path."""
    (directory / "guest.c").write_text(source)
    subprocess.run(["cc", "-pthread", "-o", directory / "guest", directory / "guest.c"], check=True)
    return str(directory / "guest")


def test_a_command_that_cannot_run_is_reported_too() -> None:
    ended = run("--report", "-", "--exit-map", "127=3", "--", "no-such-command")
    assert ended.status == 3
    report = reports.parse(ended.out)
    assert report["main"]["end"] == {"kind": "exit", "code": 127}
    assert report["stop"]["reason"] == "main ended"
    assert report["exit"] == 3


def test_a_script_without_interpreter_keeps_its_name(tmp_path: Path) -> None:
    script = tmp_path / "plain"
    script.write_text("exit 4\n")
    script.chmod(0o755)
    ended = run("--report", "-", "--", str(script), "a")
    assert ended.status == 4
    assert reports.parse(ended.out)["command"] == [str(script), "a"]


def test_a_process_whose_first_thread_has_ended_is_told(tmp_path: Path) -> None:
    line = f"{compiled(HEADLESS, tmp_path)} & exec sleep 1000"
    with Init("--report", "fd:2", "--grace", "5s", "--", "sh", "-c", line, place=Place.BELOW) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.end().status == 143
        report = reports.parse(init.err)
    assert report["killed"] == []
    assert report["reaped"] == 2


def test_who_is_in_his_handler_does_not_block(tmp_path: Path) -> None:
    with Init("--report", "fd:2", "--grace", "300ms", "--", compiled(STUCK, tmp_path)) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.end().status == 137
        report = reports.parse(init.err)
    assert [entry["why"] for entry in report["killed"]] == ["was not done with its handler of SIGTERM"]


def test_a_log_that_is_full_does_not_keep_the_init_busy(tmp_path: Path) -> None:
    # What we write beyond RLIMIT_FSIZE raises SIGXFSZ for us; passed on, it would end the command.
    line = "trap 'exit 6' TERM; echo ready; while :; do sleep 0.01; done"
    limited = f'ulimit -f 0; exec "$0" -v --grace 5s -- sh -c "{line}" 2>{tmp_path}/log'
    with Init("--", "sh", "-c", limited, str(shipped()), place=Place.BELOW) as init:
        init.expect("ready")
        init.send(TERM)
        assert init.end().status == 6
