"""The command that an init under test runs: it says what it sees and which signals reach it.

    observer.py listen [--until SIGNAL] [--status N] [--family] [--stoppable]
    observer.py look
    observer.py orphan

It says `ready PID` once every signal is blocked, so that none is lost, and `WHO heard SIGNAL` for each that comes.
"""

import os
import signal
import sys

STOPS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
EVERY = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def say(text):
    os.write(1, f"{text}\n".encode())


def hear(who, until, waited=EVERY):
    while True:
        number = signal.sigwaitinfo(waited).si_signo
        say(f"{who} heard {int(number)}")
        if number == until:
            return


def start(who, until, *, session=False):
    """A second process, listening before its parent goes on."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        if session:
            os.setsid()
        os.close(write)
        hear(who, until)
        os._exit(0)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    return pid


def listen(arguments):
    until, status, family, waited = 64, 0, False, EVERY
    while arguments:
        word = arguments.pop(0)
        if word == "--until":
            until = int(arguments.pop(0))
        elif word == "--status":
            status = int(arguments.pop(0))
        elif word == "--family":
            family = True
            waited = EVERY - {signal.SIGCHLD}
        elif word == "--stoppable":
            waited = EVERY - STOPS
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    others = [start("worker", until), start("stranger", until, session=True)] if family else []
    say(f"ready {os.getpid()} {' '.join(map(str, others))}".rstrip())
    hear("main", until, waited)
    while state_of(os.getppid()) != "S":  # the init has done with the last signal, and says no more about it
        os.sched_yield()
    for pid in others[1:]:
        os.kill(pid, signal.SIGKILL)
    sys.stdout.flush()
    os._exit(status)


def state_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def look(arguments):
    del arguments
    pid, parent = os.getpid(), os.getppid()
    say(f"leads its group: {os.getpgrp() == pid}")
    say(f"leads its session: {os.getsid(0) == pid}")
    say(f"session of the init: {os.getsid(0) == os.getsid(parent)}")
    say(f"group of the init: {os.getpgrp() == os.getpgid(parent)}")
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        say(f"controlling terminal: {error.strerror}")
    else:
        say(f"controlling terminal: in front {os.tcgetpgrp(terminal) == os.getpgrp()}")
        os.close(terminal)
    say(f"descriptors: {sorted(fd for fd in map(int, os.listdir('/proc/self/fd')) if is_open(fd))}")
    say(f"directory: {os.getcwd()}")
    value = os.environ.get("LISTEN_PID")
    say(f"LISTEN_PID: {'ours' if value == str(pid) else value}")
    say(f"dies with the init: {parent_death_signal()}")


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:  # the one that listed the folder
        return False
    return True


def parent_death_signal():
    import ctypes

    number = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(2, ctypes.byref(number))
    return number.value


def orphan(arguments):
    """Leaves a grandchild behind, says who took it in, and waits until it is gone for good."""
    del arguments
    init = os.getppid()
    back, forth = os.pipe(), os.pipe()
    middle = os.fork()
    if middle == 0:
        if os.fork():
            os._exit(0)
        os.close(forth[1])
        os.read(forth[0], 1)  # the middle one is gone
        os.write(back[1], f"{os.getpid()} {os.getppid()}".encode())
        os.read(forth[0], 1)
        os._exit(5)
    os.close(forth[0])
    os.waitpid(middle, 0)
    os.write(forth[1], b"1")
    pid, parent = map(int, os.read(back[0], 100).split())
    say(f"orphan taken in by the init: {parent == init}")
    os.write(forth[1], b"2")
    while parent == init:  # nobody tells when a zombie of somebody else is reaped
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        os.sched_yield()


if __name__ == "__main__":
    {"listen": listen, "look": look, "orphan": orphan}[sys.argv[1]](sys.argv[2:])
