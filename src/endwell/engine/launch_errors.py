"""Why a local container could not be made, in one line with a next step."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.engine.protocol import NOT_EXECUTABLE, NOT_FOUND, EngineError, NotStartedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.system.namespace import LaunchError

_NEXT_STEPS = {
    "unshare": "run as root, or allow user namespaces: sysctl user.max_user_namespaces; "
    "inside a container it needs --privileged",
    "map the user": "run with sudo, or allow user namespaces: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns",
    "become the user": "run with sudo: only root may become another user",
    "mount /proc": "inside a container it needs --privileged, or --security-opt systempaths=unconfined",
    "clone3": "it needs Linux 5.3 or newer",
}
# What is wrong, whatever the step was.
_LIMITS = {
    errno.EAGAIN: "no more processes may be made here: raise ulimit -u, or pids.max of the cgroup",
    errno.EMFILE: "raise ulimit -n",
    errno.ENFILE: "the machine has no more: see sysctl fs.file-max",
}


def explain(error: LaunchError, command: Sequence[str], directory: str) -> EngineError:
    """Return what to tell of a launch that failed: NotStartedError where it was the command's own fault.

    Args:
        error: what failed.
        command: the words that were to be executed.
        directory: where they were to start.
    """
    if error.step in {"exec", "chdir"}:
        status = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        if error.step == "chdir":
            why = "no such directory" if error.errno == errno.ENOENT else error.strerror
            what = f"cannot change to {directory}: {why}; check --workdir"
        elif _lacks_permission(error, Path(directory, command[0])):
            what = f"cannot start {command[0]}: it is not executable: chmod +x {command[0]}"
        else:
            what = f"cannot start {command[0]}: {error.strerror}; check the path inside the container"
        return NotStartedError(what, status)
    if error.errno in _LIMITS:
        return EngineError(f"cannot start {command[0]}: {error.strerror}; {_LIMITS[error.errno]}")
    if error.step == "confine":
        return EngineError(
            f"cannot run {command[0]}: neither a PID namespace nor a seccomp filter is allowed here "
            f"({error.strerror}), and nothing would keep its signals in; run it on the host, or give the "
            "container --privileged, or --security-opt seccomp=unconfined"
        )
    next_step = _NEXT_STEPS.get(error.step, "see namespaces(7)")
    return EngineError(
        f"cannot make a namespace for {command[0]}: {error.step}: {error.strerror}; {next_step}"
    )


def _lacks_permission(error: LaunchError, program: Path) -> bool:
    """Whether it is a file that nobody may execute; one without a slash was looked for elsewhere."""
    return error.errno == errno.EACCES and program.is_file() and not os.access(program, os.X_OK)
