"""A guest's own word: run it, stop it as its header says, and hold what it printed against that header.

It needs no observer, and so is a witness of its own: of what the guest is, and of what an observer says.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from endwell.model.finding import Ending
from tests import zoo

if TYPE_CHECKING:
    from endwell.engine.protocol import Engine
    from tests.zoo import Guest


def contradictions(guest: Guest, engine: Engine) -> list[str]:
    """Run and stop the guest; return what is not as its header says, a sentence each."""
    with (
        TemporaryDirectory() as directory,
        engine.start(zoo.command(guest.name), environment={"TMPDIR": directory}) as container,
    ):
        if guest.ready != "ends":
            container.expect("ready" if guest.ready == "line" else "starting")
        by_itself = guest.expectation is not None and guest.expectation.by_itself
        if by_itself:
            ending = container.wait(10.0)
            if ending is None:
                return ["it does not end by itself"]
        else:
            ending = container.stop(guest.grace, guest.signal.number)
        printed = [line.text for line in container.lines]
    wrong = [f"it does not print {text!r}" for text in guest.prints if text not in printed]
    wrong += [f"it prints {text!r}" for text in guest.never_prints if text in printed]
    expected = guest.expectation
    if expected is not None:
        if ending.killed != (Ending.KILLED in expected.endings):
            wrong.append(f"it is {'' if ending.killed else 'not '}killed after the grace period")
        if expected.statuses and ending.status not in expected.statuses:
            wrong.append(f"it exits with {ending.status}")
    return [f"{sentence}; printed: {printed[-10:]}" for sentence in wrong]
