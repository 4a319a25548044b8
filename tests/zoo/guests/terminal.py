# caller: a terminal with somebody at it who starts a program, presses Ctrl-Z, goes on with fg, presses Ctrl-C, leaves
import fcntl
import os
import select
import sys
import termios
import time

EVIDENCE = os.dup(1)
os.set_inheritable(EVIDENCE, False)
master, slave = os.openpty()
go, go_in = os.pipe()
apart, apart_in = os.pipe()
if os.fork():
    # The shell's init becomes PID 1 with the terminal; the person is a process beside it, in a session of its own by
    # then: what hangs up the terminal's foreground group must not hang up the person.
    os.read(apart, 1)
    os.setsid() if os.getsid(0) != os.getpid() else None
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(slave, number)
    os.write(go_in, b"x")
    os.closerange(3, 20)
    os.environ.update(TERM="dumb", PS1="$ ", HISTFILE="")
    os.execv(sys.argv[1], sys.argv[1:])

os.setsid()
os.write(apart_in, b"x")
os.close(slave)
os.close(go_in)
os.read(go, 1)
screen = b""


def see(text, limit=3.0):
    """Wait until the screen shows `text`."""
    global screen
    end = time.monotonic() + limit
    while text not in screen:
        if not select.select([master], [], [], max(0, end - time.monotonic()))[0]:
            os.write(EVIDENCE, b"the screen shows %r instead of %r\n" % (screen[-200:], text))
            os._exit(1)
        try:
            screen += os.read(master, 4096)
        except OSError:
            break
    screen = screen.partition(text)[2]


def runs_in_foreground(program, limit=3.0):
    """Wait until the terminal belongs to `program`: a shell's child ignores Ctrl-Z until it has become the program."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        try:
            with open(f"/proc/{os.tcgetpgrp(master)}/stat") as stat:
                name, _, state = stat.read().partition("(")[2].rpartition(")")
            if name == program and state.split()[0] == "S":
                return
        except OSError:
            pass
        time.sleep(0.005)


def type_in(text):
    """Press keys."""
    os.write(master, text)


def say(text):
    """Tell the test."""
    os.write(EVIDENCE, text + b"\n")


see(b"$ ", 5.0)
say(b"ready")
type_in(b"sleep 1000\n")
runs_in_foreground("sleep")
type_in(b"\x1a")
see(b"Stopped", 1.5)
type_in(b"echo still-$((40+2))\n")
see(b"still-42")
say(b"stopped")
type_in(b"fg\n")
runs_in_foreground("sleep")
say(b"continued")
type_in(b"\x03")
see(b"$ ")
type_in(b"echo again-$((40+3))\n")
see(b"again-43")
say(b"interrupted")
type_in(b"exit 9\n")
time.sleep(5)
