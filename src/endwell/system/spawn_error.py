"""Why a program could not be started: in one line, and as a shell would say it with its exit status."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH110, PTH112, PTH118

from __future__ import annotations

import errno
import os

NOT_FOUND = 127  # what a shell exits with when it cannot find a program
NOT_EXECUTABLE = 126  # and when it cannot execute it

_HINTS = {
    errno.EAGAIN: "; there are too many processes: raise nproc, or the container's pids limit",
    errno.ENOMEM: "; give the container more memory",
    errno.EMFILE: "; raise nofile",
    errno.ENFILE: "; the machine has no more of them: raise fs.file-max",
    errno.E2BIG: "; the environment or the arguments are too long",
}


_HINTS_OF_PATHS = {
    errno.ENOENT: "; create its directory (mkdir -p), or correct the path",
    errno.ENOTDIR: "; create its directory (mkdir -p), or correct the path",
    errno.EISDIR: "; name a file in it",
    errno.EACCES: "; name a place where endwell may write",
    errno.EPERM: "; name a place where endwell may write",
    errno.EROFS: "; name a place where endwell may write",
    errno.ENOSPC: "; free space, or name another place",
}


class SpawnError(Exception):
    """A program could not be started.

    Args:
        reason: what and why, in one line for people.
        status: what a shell would exit with.
        path: the PATH on which it was not found; empty if that is not why.
    """

    def __init__(self, reason: str, status: int, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.path = path


def hint(number: int | None) -> str:
    """Return what to do about an error of a system call, to be put behind its name; often nothing."""
    return _HINTS.get(number or 0, "")


def hint_of_path(number: int | None) -> str:
    """Likewise of one that was about a path."""
    return hint(number) or _HINTS_OF_PATHS.get(number or 0, "; correct the path")


def foreseen(name: str, *, directory: str | None, path: str) -> SpawnError | None:
    """Return why a program cannot be executed, as far as a look at its file tells; None: it may well be.

    Args:
        name: of the program, as it is written.
        directory: where it is to start.
        path: where it is looked for if its name has no slash.
    """
    folders = [directory or ""] if "/" in name else [folder or "." for folder in path.split(":")]
    files = [file for folder in folders if os.path.exists(file := os.path.join(folder, name))]
    if any(os.access(file, os.X_OK) and not os.path.isdir(file) for file in files):
        return None
    if not files:
        return _missing(name, os.path.join(directory or "", name), path)
    return SpawnError(_forbidden(name, files[0]), NOT_EXECUTABLE)


def why_not(trouble: bytes, name: str, *, directory: str | None, path: str, user: int | None) -> SpawnError:
    """Read what the interpreter's `fork_exec` reports of a child that did not become the program.

    Args:
        trouble: `OSError:NUMBER:`, the number in hexadecimal, and `noexec` if it did not come to the exec.
        name: of the program, as it was written.
        directory: where it was to start.
        path: where it was looked for if its name has no slash.
        user: the number of the user it was to run as; None for ours.
    """
    _, digits, step = (*trouble.split(b":", 2), b"", b"")[:3]
    number = int(digits or b"0", 16)
    why = os.strerror(number) if number else "for a reason it could not tell"
    if step.startswith(b"noexec"):
        return SpawnError(_before(number, why, name, directory, user), NOT_EXECUTABLE)
    seen = os.path.join(directory or "", name)
    if number in {errno.ENOENT, errno.ENOTDIR}:
        return _missing(name, seen, path)
    if number == errno.EACCES:
        return SpawnError(_forbidden(name, seen), NOT_EXECUTABLE)
    if number == errno.ENOEXEC:
        what = "it is no program and has no #! line; write one, such as #!/bin/sh"
        return SpawnError(f"cannot execute {name}: {what}", NOT_EXECUTABLE)
    return SpawnError(f"cannot execute {name}: {why}{hint(number)}", NOT_EXECUTABLE)


def _missing(name: str, seen: str, path: str) -> SpawnError:
    if "/" not in name:
        reason = f"cannot find {name}: it is not on PATH; install it, or correct the command"
        return SpawnError(reason, NOT_FOUND, path)
    if os.path.lexists(seen):
        reason = (
            f"cannot execute {name}: the interpreter or the dynamic linker that it asks for is not there;"
            " install that, or correct its first line"
        )
    else:
        reason = f"cannot find {name}: there is no such file; install it, or correct the command"
    return SpawnError(reason, NOT_FOUND)


def _forbidden(name: str, seen: str) -> str:
    what = "it is not executable for this user; chmod +x"
    if os.path.isdir(seen):
        what = "it is a directory; name a program in it"
    return f"cannot execute {name}: {what}"


def _before(number: int, why: str, name: str, directory: str | None, user: int | None) -> str:
    if directory is not None and not os.access(directory, os.X_OK):
        return f"cannot enter the directory {directory}: {why}; create it, or correct the setting"
    if number == errno.EPERM and user is not None:
        return f"cannot run {name} as user {user}: {why}; run endwell as root, or leave the user out"
    return f"cannot prepare {name}: {why}{hint(number)}"
