"""No memory is left in the control group: who was killed for that is told apart, and the others end well."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.supervise.under_init import NAMESPACE, command
from tests.supervise.upping import STOP, Up, program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root

MOST = 160 << 20  # bytes of all processes
# As much as there is.
HOG = "x = []\nwhile True:\n    x.append(bytearray(b'x' * (1 << 20)))\n"
# As much as there is until the supervisor has gone, whom the kernel is to choose.
RIVAL = """
import os, signal, sys
boss = os.getppid()
with open(f"/proc/{boss}/oom_score_adj", "w") as file:
    file.write("1000")
signal.signal(signal.SIGTERM, lambda *_: (print("rival told", flush=True), sys.exit(0)))
x = []
while os.getppid() == boss:
    x.append(bytearray(b"x" * (1 << 18)))
del x
while True:
    signal.pause()
"""


@pytest.fixture
def limited() -> Iterator[tuple[str, ...]]:
    """What starts a program in a control group of its own, with little memory."""
    for root, limit in (
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        ("/sys/fs/cgroup/unified", "memory.max"),
        ("/sys/fs/cgroup", "memory.max"),
    ):
        group = Path(root) / f"endwell-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
        if (group / limit).exists():
            break
        with contextlib.suppress(OSError):
            group.rmdir()
    else:
        pytest.skip("no control group that counts memory can be made")
    (group / limit).write_text(str(MOST))
    with contextlib.suppress(OSError):
        (group / "memory.swap.max").write_text("0")
    yield "sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh"
    group.rmdir()


def test_the_log_says_who_was_killed_for_that(tmp_path: Path, limited: tuple[str, ...]) -> None:
    (tmp_path / "hog.py").write_text(HOG)
    os.mkfifo(tmp_path / "gate")
    text = program("hog", f"exec {sys.executable} -S hog.py", "autorestart=false") + program("web", STOP)
    text += program("other", "read line <gate; kill -KILL $$", "autorestart=false")
    with Up(tmp_path, text, prefix=limited) as up:
        up.wait_for("up web", "hog ended by SIGKILL from the kernel's OOM killer")
        (tmp_path / "gate").write_text("go\n")
        up.wait_for("other ended by SIGKILL, ")
        assert up.stop() == 0


def test_when_it_is_the_supervisor_everybody_is_told(tmp_path: Path, limited: tuple[str, ...]) -> None:
    (tmp_path / "rival.py").write_text(RIVAL)
    os.mkfifo(tmp_path / "gate")
    text = program("rival", f"read line <gate; exec {sys.executable} -S rival.py")
    text += program("web", STOP.replace("exec", "echo go >gate; exec", 1))
    with Up(tmp_path, text, prefix=(*limited, *NAMESPACE), endwell=command()) as up:
        assert up.wait() == 128 + 9
        assert {"rival told", "bye"} <= set(up.out)
        assert any("the supervisor was ended by SIGKILL" in line for line in up.err)
