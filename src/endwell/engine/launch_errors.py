"""Why a local container could not be made, in one line with a next step."""

from __future__ import annotations

import errno
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


def explain(error: LaunchError, command: Sequence[str]) -> EngineError:
    """Return what to tell of a launch that failed: NotStartedError where it was the command's own fault."""
    if error.step in {"exec", "chdir"}:
        status = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
        what = (
            f"{command[0]}: {error.strerror}"
            if error.step == "exec"
            else f"working directory: {error.strerror}"
        )
        return NotStartedError(f"cannot start {what}; check the path inside the container", status)
    next_step = _NEXT_STEPS.get(error.step, "see namespaces(7)")
    return EngineError(
        f"cannot make a namespace for {command[0]}: {error.step}: {error.strerror}; {next_step}"
    )
