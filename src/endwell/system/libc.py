"""System calls the standard library has no name for, as plain functions that raise OSError.

All of them go through `PyDLL`, which keeps the interpreter lock: they are called between fork and exec, where
giving the lock up and asking for it again is one thing more that can go wrong.
"""

from __future__ import annotations

import ctypes
import os

CLONE_PARENT = 0x00008000
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REC = 16384
MS_PRIVATE = 1 << 18

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

# One number on every architecture, like all system calls since 5.1.
_SYS_CLONE3 = ctypes.c_long(435)
_SYS_CLOSE_RANGE = ctypes.c_long(436)
# struct clone_args, first version: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
_CloneArguments = ctypes.c_uint64 * 8
_SYS_RT_SIGACTION = ctypes.c_long(13 if os.uname().machine == "x86_64" else 134)
_SYS_SECCOMP = ctypes.c_long(317 if os.uname().machine == "x86_64" else 277)
# The kernel's struct sigaction: handler, flags, restorer (x86 only), mask. All zero: SIG_DFL.
_DEFAULT = (ctypes.c_uint64 * 4)()

_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.unshare.argtypes = (ctypes.c_int,)
_libc.setns.argtypes = (ctypes.c_int, ctypes.c_int)
_libc.prctl.argtypes = (ctypes.c_int,) + (ctypes.c_ulong,) * 4
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


def unshare(flags: int) -> None:
    """Give the caller new namespaces; CLONE_NEWPID counts for its future children. Source: man 2 unshare."""
    _check(_libc.unshare(flags))


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespaces of the process behind a pidfd; CLONE_NEWPID counts for children; man 2 setns."""
    _check(_libc.setns(descriptor, flags))


def mount(source: str, target: str, kind: str, flags: int) -> None:
    """Put `source` at `target`, without options of the file system. Source: man 2 mount."""
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, None))


def set_parent_death_signal(signal: int) -> None:
    """Ask for `signal` when the thread that is our parent ends; PR_SET_PDEATHSIG of prctl(2)."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0))


def set_no_new_privileges() -> None:
    """Gain nothing by set-user-ID programs from now on; PR_SET_NO_NEW_PRIVS of prctl(2)."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def set_child_subreaper() -> None:
    """Adopt the orphans among our descendants; PR_SET_CHILD_SUBREAPER of prctl(2)."""
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def seccomp(operation: int, flags: int, arguments: ctypes.Array[ctypes.c_char]) -> int:
    """Do an operation of man 2 seccomp; returns what it returns: for a filter with a listener that."""
    result: int = _libc.syscall(
        _SYS_SECCOMP, ctypes.c_uint(operation), ctypes.c_uint(flags), ctypes.byref(arguments)
    )
    _check(result)
    return result


def clone_sibling() -> int:
    """Fork a child whose parent is *our* parent; returns its pid, and 0 in it; clone3(2) with CLONE_PARENT.

    No fork handler runs, neither Python's nor libc's: the caller must have a single thread and the child must
    do nothing but prepare and exec.
    """
    arguments = _CloneArguments(CLONE_PARENT)
    pid: int = _libc.syscall(_SYS_CLONE3, ctypes.byref(arguments), ctypes.c_size_t(ctypes.sizeof(arguments)))
    _check(pid)
    return pid


def close_from(first: int, last: int = 0xFFFFFFFF) -> None:
    """Close every descriptor from `first` to `last`, both included; close_range(2)."""
    _check(_libc.syscall(_SYS_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(last), ctypes.c_uint(0)))


def reset_disposition(signal: int) -> None:
    """Give `signal` its default action, without Python's own bookkeeping; rt_sigaction(2).

    By the system call itself: the C library keeps 32 and 33 to itself, and yet leaves them ignored in what
    its posix_spawn starts, as GNU make does. SIGKILL and SIGSTOP have no other action, and are left alone.
    """
    _libc.syscall(_SYS_RT_SIGACTION, ctypes.c_long(signal), ctypes.byref(_DEFAULT), None, ctypes.c_size_t(8))


def _check(result: int) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
