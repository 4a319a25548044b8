"""What ours does differently on purpose: each time the real one shows its fault, which ours does not have.

Everything else is the same (test_same.py). These are the differences, and those of test_terminals.py:

- A signal that may not be sent does not end tini; a closed stdin does not keep it from starting the command.
- A caller that ignores SIGCHLD does not make tini and catatonit wait for ever.
- A signal that comes while the command is being started reaches it, in a group or session too.
- Signals that the caller ignored stay ignored under dumb-init.
- The command of catatonit does not start with the signals of its terminal blocked.
- Signals 32 and 33, which the C library hides, are forwarded.
- The init lets go of the working directory and of descriptors that only its command needs.
- tini does not take options away from the command; socket activation (LISTEN_PID) works under every name.
- No line of tini's is lost, or said twice, because of a buffer.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compat.case import LISTEN, SPARE, Case, Place
from tests.compat.conftest import missing
from tests.compat.conversation import state_of, until
from tests.compat.harness import observe
from tests.compat.personas import PERSONAS
from tests.compat.talks import END, look_at_init, talk

if TYPE_CHECKING:
    from tests.compat.case import Observation
    from tests.compat.conftest import Both, Inits
    from tests.compat.conversation import Conversation

SLEEP = ("sh", "-c", "echo ready $$; exec sleep 60")


@talk
def refuse(conversation: Conversation) -> None:
    """The init may not signal its command; if it goes on all the same, the command is ended from outside."""
    (command,) = conversation.ready()
    conversation.send(15)
    with_words = conversation.hear("Unexpected error when forwarding signal: 'Operation not permitted'")
    conversation.notes["said"] = with_words[0]
    if "FATAL" not in with_words.string:
        os.kill(command, 10)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody whom the init may not signal")
@pytest.mark.parametrize("name", ["tini", "tini-static"])
def test_a_signal_that_may_not_be_sent_ends_nothing(both: Both, name: str) -> None:
    case = Case(
        name="not permitted",
        under=("setpriv", "--bounding-set=-kill", "--inh-caps=-kill"),
        options=("-s", "--"),
        command=("setpriv", "--reuid=65534", "--clear-groups", *SLEEP),
        talk=refuse(),
    )
    real, ours = both(name, case)
    assert real["status"] == 1
    assert ours["status"] == 128 + 10


@pytest.mark.parametrize("name", ["tini", "tini-static"])
def test_a_closed_stdin_keeps_nothing_from_starting(both: Both, name: str) -> None:
    real, ours = both(
        name, Case(name="closed stdin", options=("--",), command=("sh", "-c", "exit 3"), closed=(0,))
    )
    assert (real["status"], ours["status"]) == (1, 3)


@talk
def vanish(conversation: Conversation) -> None:
    """The command ends. Once it is gone, an init that sleeps will never notice."""
    (command,) = conversation.ready()
    init = conversation.init
    conversation.send(END)
    until(lambda: state_of(command) in ("", "Z"))
    until(lambda: state_of(init) in ("", "S", "Z"))
    conversation.notes["waits for ever"] = not state_of(command) and state_of(init) == "S"
    if conversation.notes["waits for ever"]:
        conversation.process.kill()


@pytest.mark.parametrize("name", ["tini", "tini-static", "catatonit"])
def test_a_caller_that_ignores_sigchld(both: Both, name: str) -> None:
    case = Case(
        name="SIGCHLD ignored",
        options=("--",),
        command=(*LISTEN, "--status", "7"),
        ignored=frozenset({17}),
        talk=vanish(),
    )
    real, ours = both(name, case)
    assert real["waits for ever"]
    assert ours["status"] == 7
    assert not ours["waits for ever"]


@talk
def interrupt_start(conversation: Conversation) -> None:
    """SIGTERM when the command exists, but is not yet what it will be."""
    init = conversation.init
    children = Path(f"/proc/{init}/task/{init}/children")
    program = conversation.program.resolve()
    until(lambda: Path(f"/proc/{init}/exe").readlink() == program and bool(children.read_text()))
    conversation.send(15)
    try:
        conversation.ready()
    except AssertionError:
        conversation.notes["lost"] = False
    else:
        conversation.notes["lost"] = True
        conversation.send(END)


@pytest.mark.parametrize(
    ("name", "options", "hold"),
    [
        ("tini", ("-g", "--"), "setpgid:delay_enter"),
        ("catatonit", ("-g", "--"), "setpgid:delay_enter"),
        ("dumb-init", (), "setsid:delay_enter"),
        ("dumb-init", ("-c",), "rt_sigprocmask:delay_exit"),
    ],
)
def test_a_signal_while_the_command_is_being_started(
    both: Both, tmp_path: Path, name: str, options: tuple[str, ...], hold: str
) -> None:
    if shutil.which("strace") is None:
        missing("strace, which holds a child while it starts, is not installed: `apt-get install strace`")
    held = ("-e", f"trace={hold.partition(':')[0]}", "-e", f"inject={hold}=30000")
    case = Case(
        name=f"TERM while held: {hold}",
        under=("strace", "-D", "-f", "-qq", "-o", str(tmp_path / "trace"), *held),
        options=options,
        command=LISTEN,
        talk=interrupt_start(),
    )
    real, ours = both(name, case)
    assert real["lost"]
    assert not ours["lost"]
    assert ours["status"] == 128 + 15


MASKS = ("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")


def mask_of(observation: Observation, field: str) -> set[int]:
    found = re.search(rf"{field}:\s*(\w+)", str(observation["stdout of the command"]).replace("\\t", " "))
    assert found
    return {bit + 1 for bit in range(64) if int(found[1], 16) >> bit & 1}


def test_signals_that_the_caller_ignored_stay_ignored_but_under_dumb_init(both: Both) -> None:
    for name in ("dumb-init", "tini", "catatonit"):
        ignored = frozenset({1, 2, 13, 20, 40})
        real, ours = both(name, Case(name="ignored", options=("--",), command=MASKS, ignored=ignored))
        # dumb-init resets those that it knows, and real-time signals are not among them.
        assert mask_of(real, "SigIgn") == ({40} if name == "dumb-init" else ignored)
        assert mask_of(ours, "SigIgn") == mask_of(real, "SigIgn")


@pytest.mark.parametrize("blocked", [frozenset[int](), frozenset({1, 20, 40})], ids=["none", "some"])
def test_the_command_of_catatonit_can_be_stopped_by_its_terminal(both: Both, blocked: frozenset[int]) -> None:
    real, ours = both("catatonit", Case(name="mask", options=("--",), command=MASKS, blocked=blocked))
    assert mask_of(real, "SigBlk") == blocked | {20, 21, 22}
    assert mask_of(ours, "SigBlk") == blocked


@talk
def send_hidden(conversation: Conversation, number: int) -> None:
    conversation.ready()
    conversation.send(number)


@pytest.mark.parametrize("number", [32, 33])
@pytest.mark.parametrize("name", ["tini", "dumb-init", "catatonit"])
def test_the_signals_that_the_c_library_hides_are_forwarded(both: Both, name: str, number: int) -> None:
    real, ours = both(name, Case(name="hidden", options=("--",), command=SLEEP, talk=send_hidden(number)))
    assert real["status"] == -number
    assert ours["status"] == 128 + number


@pytest.mark.parametrize("name", ["tini", "tini-static", "dumb-init", "catatonit"])
def test_what_only_the_command_needs_is_released(both: Both, name: str, tmp_path: Path) -> None:
    real, ours = both(
        name, Case(name="released", options=("--",), command=LISTEN, spare=True, talk=look_at_init())
    )
    assert ours["directory of the init"] == "/"
    assert ours["descriptors of the init"] == [0, 1, 2]
    assert real["directory of the init"] == ("/" if name == "dumb-init" else str(tmp_path))
    descriptors = real["descriptors of the init"]
    assert isinstance(descriptors, list)
    assert (SPARE in descriptors) == (name != "catatonit")


def test_tini_takes_no_word_away_from_its_command(both: Both) -> None:
    real, ours = both("tini", Case(name="-s behind", options=("echo", "-s", "a", "--", "b")))
    assert real["stdout of the command"] == ["a b"]
    assert ours["stdout of the command"] == ["-s a -- b"]
    real, ours = both("tini", Case(name="-c behind", options=("-s", "sh", "-c", "exit 3")))
    assert (real["status"], ours["status"]) == (1, 3)


def test_the_alpine_build_of_tini_stops_at_the_command_too(both: Both) -> None:
    real, ours = both(
        "tini",
        Case(name="as Alpine", options=("-s", "sh", "-c", "exit 3"), environment={"POSIXLY_CORRECT": "1"}),
    )
    assert real == ours


@pytest.mark.parametrize("name", ["tini", "dumb-init", "catatonit"])
def test_socket_activation_reaches_the_command(both: Both, name: str) -> None:
    look = 'test "$LISTEN_PID" = $$ && echo mine || echo not mine'
    case = Case(
        name="LISTEN_PID",
        script='export LISTEN_PID=$$; exec "$0" "$@"',
        options=("--",),
        command=("sh", "-c", look),
    )
    real, ours = both(name, case)
    assert real["stdout of the command"] == ["mine" if name == "catatonit" else "not mine"]
    assert ours["stdout of the command"] == ["mine"]


def test_no_line_is_lost_or_said_twice(both: Both) -> None:
    real, ours = both("tini", Case(name="buffer", options=("-svvv", "--", "nosuch")))
    said = [str(observation["stdout of init"]).count("Registered") for observation in (real, ours)]
    assert said == [2, 1]
    real, ours = both("tini", Case(name="buffer", options=("-vvv", "--", "true")))
    assert "stdout of child" not in real
    assert ours["stdout of child"] == ["<child> DEBUG tcsetpgrp failed: no tty (ok to proceed)"]


@talk
def stop(conversation: Conversation) -> None:
    conversation.ready()
    conversation.send(15)
    conversation.heard(15)


@pytest.mark.parametrize("grace", [None, "10s"])
@pytest.mark.parametrize(("name", "options"), [("tini", ()), ("dumb-init", ("-c",)), ("catatonit", ())])
def test_a_grace_in_the_environment_turns_the_phases_on(
    both: Both, name: str, options: tuple[str, ...], grace: str | None
) -> None:
    case = Case(
        name="ENDWELL_GRACE",
        options=(*options, "--"),
        command=(*LISTEN, "--family", "--until", "15", "--status", "3"),
        environment={"ENDWELL_GRACE": grace},
        place=Place.PID_1,
        talk=stop(),
    )
    real, ours = both(name, case)
    assert real["status"] == ours["status"] == 3
    assert "stdout of worker" not in real
    assert ("worker heard 15" in str(ours)) == bool(grace)


@pytest.mark.parametrize("name", ["tini", "dumb-init", "catatonit"])
def test_a_bad_grace_is_refused(inits: Inits, tmp_path: Path, name: str) -> None:
    case = Case(name="bad", options=("--",), command=("true",), environment={"ENDWELL_GRACE": "soon"})
    ours = observe(case, inits.ours / name, tmp_path, PERSONAS[name].mask)
    assert ours["status"] == 1
    assert "ENDWELL_GRACE 'soon'" in str(ours["stderr of the command"])
