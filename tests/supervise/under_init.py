"""A Python that has the endwell-init of these sources beside it, and runs the endwell of these sources."""

from __future__ import annotations

import atexit
import functools
import shutil
import sys
import tempfile
from pathlib import Path

from endwell.system.tree import children_of
from tests.init.builds import shipped


@functools.cache
def interpreter(base: str = sys.executable) -> str:
    """Return the path of a Python beside which our init is, where everybody can execute it.

    Args:
        base: that Python, where it is installed.
    """
    root = Path(tempfile.mkdtemp(prefix="endwell-interpreter-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    root.chmod(0o755)
    (root / "bin").mkdir()
    installed = Path(base).resolve()
    (root / "bin/python").symlink_to(installed)
    (root / "pyvenv.cfg").write_text(f"home = {installed.parent}\n")
    shutil.copy(shipped(), root / "bin/endwell-init")
    return str(root / "bin/python")


def command(base: str = sys.executable) -> tuple[str, ...]:
    """Return the words that run endwell with such a Python."""
    return (interpreter(base), "-m", "endwell")


NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
"""What makes the next command PID 1."""


def below(pid: int) -> int:
    """Return the only child of a process."""
    (child,) = children_of(pid)
    return child
