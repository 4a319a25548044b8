"""What is said to a running init: a talk takes the conversation, and waits for nothing but facts."""

from __future__ import annotations

import functools
import os
import signal
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from tests.compat.conversation import state_of, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.compat.conversation import Conversation

    Talk = Callable[[Conversation], None]

# Signal 63 is sent behind each signal under test: the kernel hands out low numbers first, so whatever the
# first one did has been done when this one is heard. Signal 64 ends the observer.
BEHIND, END = 63, 64
FAULTS = frozenset({4, 5, 6, 7, 8, 11, 31})  # the kernel's own: ILL TRAP ABRT BUS FPE SEGV SYS
STOPS = frozenset({20, 21, 22})  # TSTP TTIN TTOU
SENDABLE = [n for n in (*range(1, 32), *range(34, 65)) if n not in (9, 19, BEHIND, END)]


def talk(function: Callable[..., None]) -> Callable[..., Talk]:
    """Makes a talk of a function whose first argument is the conversation; the table gives the others."""

    @functools.wraps(function)
    def bound(*arguments: object, **options: object) -> Talk:
        return lambda conversation: function(conversation, *arguments, **options)

    return bound


@talk
def send_each(conversation: Conversation, numbers: Iterable[int]) -> None:
    """One signal after the other, each followed by one that is known to arrive."""
    conversation.ready()
    for number in numbers:
        conversation.send(number)
        conversation.send(BEHIND)
        conversation.heard(BEHIND)
    conversation.send(END)


@talk
def send_to_family(conversation: Conversation, numbers: Iterable[int]) -> None:
    """Signals to main alone; had the worker of its group heard one, it would have said so by then."""
    conversation.ready()
    for number in numbers:
        conversation.send(number)
        conversation.heard(number)
    conversation.send(END)
    conversation.heard(END)


@talk
def send_to_group(conversation: Conversation, numbers: Iterable[int]) -> None:
    """Signals that are known to reach main and the worker of its group, in an order that nobody promises."""
    main, worker, _ = conversation.ready()
    heard: list[str] = []
    for number in numbers:
        conversation.send(number)
        both = {conversation.hear(rf"^(main|worker) heard {number}$")[1] for _ in range(2)}
        heard.append(f"{number}: {sorted(both)}")
    conversation.notes["heard"] = heard
    for pid in (worker, main):  # in this order: what an init may do when main ends is tested elsewhere
        os.kill(pid, END)
        conversation.hear(f"heard {END}")


@talk
def die_of(conversation: Conversation, number: int) -> None:
    """A signal that the init itself does not survive."""
    conversation.ready()
    conversation.send(number)


@talk
def suspend(conversation: Conversation, number: int, heard: int | None = None) -> None:
    """A stop signal to an init that then stops itself, and SIGCONT."""
    observer, *_ = conversation.ready()
    conversation.send(number)
    conversation.notes["the init stopped by"] = conversation.stopped()
    if heard is None:
        until(lambda: state_of(observer) == "T")
        conversation.notes["the command stopped"] = True
    else:
        conversation.heard(heard)
    conversation.send(signal.SIGCONT)
    conversation.heard(signal.SIGCONT)
    conversation.send(END)


@talk
def stop_command(conversation: Conversation, number: int) -> None:
    """The command stops, the init goes on; SIGCONT through the init wakes it."""
    observer, *_ = conversation.ready()
    conversation.send(number)
    until(lambda: state_of(observer) in "Tt")
    conversation.send(signal.SIGCONT)
    conversation.heard(signal.SIGCONT)
    conversation.send(END)


@talk
def parent_dies(conversation: Conversation, number: int) -> None:
    """The init's own parent is killed: the signal it asked for comes."""
    conversation.ready()
    conversation.process.kill()
    conversation.heard(number)


@talk
def pause(conversation: Conversation, numbers: Iterable[int]) -> None:
    """Signals to an init without a command, each taken before the next is sent."""
    init = conversation.init
    program = conversation.program.resolve()
    until(
        lambda: Path(f"/proc/{init}/exe").readlink() == program and state_of(init) == "S"
    )  # it waits for the first
    for number in numbers:
        conversation.send(number)
        if number not in (signal.SIGTERM, signal.SIGINT):
            until(lambda: not pending(init))


def pending(pid: int) -> bool:
    """Whether a process has signals that it has not taken yet."""
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return any(int(line.partition(":")[2], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:")))


@talk
def suspend_by_key(conversation: Conversation) -> None:
    """Ctrl-Z in a shell with job control, which goes on, and wakes the init with fg."""
    (command,) = conversation.ready()
    conversation.type(b"\x1a")
    conversation.hear("the shell goes on")
    conversation.heard(signal.SIGCONT)
    os.kill(command, END)


@talk
def at_terminal(conversation: Conversation) -> None:
    """A person at the terminal: Ctrl-C, Ctrl-Backslash and a window of another size reach the command."""
    conversation.ready()
    for key, number in ((b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)):
        conversation.type(key)
        conversation.heard(number)
    termios.tcsetwinsize(conversation.streams["stdout"], (33, 99))
    conversation.heard(signal.SIGWINCH)
    conversation.send(END)


@talk
def look_at_init(conversation: Conversation) -> None:
    """The init's own state while the command runs, as an operator sees it in /proc."""
    conversation.ready()
    init = conversation.init
    conversation.notes["directory of the init"] = str(Path(f"/proc/{init}/cwd").readlink())
    conversation.notes["descriptors of the init"] = sorted(
        int(fd.name) for fd in Path(f"/proc/{init}/fd").iterdir()
    )
    conversation.send(END)


@talk
def leave_worker(conversation: Conversation, told: int) -> None:
    """Main leaves at a signal of its own; its worker hears of it, or not."""
    main, worker, _ = conversation.ready()
    os.kill(main, END)
    conversation.heard(END)
    if told:
        conversation.heard(told, "worker")
    conversation.notes["worker left alive"] = state_of(worker) != ""
