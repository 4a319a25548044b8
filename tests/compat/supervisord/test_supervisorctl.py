"""The real supervisorctl says the same of us as of the real supervisord, and exits alike.

Debian's and PyPI's client are each given the same command lines, one after another, against the real server
and against ours with the same file. What has to be different stands in `OTHERWISE`, with the reason.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from endwell.records import replace
from tests.compat.conftest import missing
from tests.compat.supervisord.clients import HEAD, MORE, PROGRAMS, SERVER, clients
from tests.compat.supervisord.servers import REAL, STARTED, Answer, Server

if TYPE_CHECKING:
    from collections.abc import Mapping


class Step(NamedTuple):
    """One command line.

    Args:
        words: those behind `-c FILE`.
        stdin: what is typed.
        programs: what the file is to have from now on; empty: as before.
        until: the states in which these processes have to be before.
    """

    words: str
    stdin: str = ""
    programs: str = ""
    until: tuple[tuple[str, str], ...] = ()


BROKEN = PROGRAMS.replace("startsecs=0", "startsecs=soon")
CHANGED = PROGRAMS.replace("[program:mute]\ncommand=cat", "[program:mute]\ncommand=cat -u")

STEPS = (
    Step("status"),
    Step("status cat"),
    Step("status cat g:* off"),
    Step("status g:"),
    Step("status nope"),
    Step("status nope:* g:nope cat"),
    Step("status all nope"),
    Step("version"),
    Step("version x"),
    Step("help"),
    Step("help status"),
    Step("nonsense"),
    Step("pid"),
    Step("pid cat g:b_0 nope"),
    Step("pid off"),
    Step("pid nope"),
    Step("pid all"),
    Step("avail"),
    Step("avail x"),
    Step("start"),
    Step("start cat"),
    Step("start off"),
    Step("start slow"),
    Step("start nope"),
    Step("start nope:*"),
    Step("start g:nope off"),
    Step("start nofile"),
    Step("start nopath"),
    Step("start noexec"),
    Step("start nodir"),
    Step("start fails"),
    Step("status nofile nopath noexec nodir fails"),
    Step("start g:*"),
    Step("start deaf"),
    Step("start ends"),
    Step("signal KILL ends"),
    Step("status ends", until=(("ends", "EXITED"),)),
    Step("status"),
    Step("stop"),
    Step("stop off"),
    Step("stop off"),
    Step("stop nope"),
    Step("stop nope:*"),
    Step("stop deaf"),
    Step("stop g:*"),
    Step("stop g:*"),
    Step("stop g:a cat"),
    Step("stop ends nofile fails"),
    Step("status"),
    Step("start cat g:a"),
    Step("restart"),
    Step("restart cat"),
    Step("restart off nope"),
    Step("restart g:*"),
    Step("restart nope:*"),
    Step("signal"),
    Step("signal HUP"),
    Step("signal BOGUS cat"),
    Step("signal BOGUS g:*"),
    Step("signal CONT cat g:a nope"),
    Step("signal sigcont cat"),
    Step("signal 18 g:*"),
    Step("signal 0 cat"),
    Step("signal CONT nofile"),
    Step("signal CONT nope:*"),
    Step("signal CONT all"),
    Step("tail"),
    Step("tail talk"),
    Step("tail talk stderr"),
    Step("tail talk stdin"),
    Step("tail -3 talk"),
    Step("tail -0 talk"),
    Step("tail --3 talk"),
    Step("tail -x talk"),
    Step("tail joined"),
    Step("tail joined stderr"),
    Step("tail mute"),
    Step("tail nofile"),
    Step("tail nope"),
    Step("tail nope:*"),
    Step("tail talk stdout x y"),
    Step("tail -f nope"),
    Step("tail -f mute"),
    Step("maintail x"),
    Step("maintail -x"),
    Step("maintail a b"),
    Step("clear"),
    Step("clear talk"),
    Step("tail talk"),
    Step("clear nope g:a"),
    Step("clear mute"),
    Step("clear g:*"),
    Step("clear all"),
    Step("fg"),
    Step("fg nope"),
    Step("fg nofile"),
    Step("fg a b"),
    Step("open nonsense"),
    Step("reread"),
    Step("reread x"),
    Step("update"),
    Step("reread", programs=PROGRAMS + MORE),
    Step("avail"),
    Step("add nope"),
    Step("add fresh later"),
    Step("add fresh"),
    Step("status fresh later"),
    Step("remove fresh"),
    Step("remove nope"),
    Step("stop fresh"),
    Step("remove fresh"),
    Step("status fresh"),
    Step("update"),
    Step("status fresh"),
    Step("reread", programs=CHANGED),
    Step("update nope"),
    Step("update mute"),
    Step("reread"),
    Step("update fresh"),
    Step("update all"),
    Step("status"),
    Step("reread", programs=BROKEN),
    Step("reread", programs=PROGRAMS),
    Step("update"),
    Step("stop all"),
    Step("stop all"),
    Step("status"),
    Step("start all"),
    Step("status", until=(("fails", "FATAL"),)),
    Step("restart all"),
    Step("-u kim -p wrong status"),
    Step("-u kim -p wrong pid"),
    Step("-s http://127.0.0.1:1 status"),
    Step("-s unix:///nonexistent status"),
    Step("-s unix:///nonexistent shutdown"),
    Step("", "status cat\npid off\nnonsense\nquit\n"),
    Step("shutdown x"),
    Step("reload x"),
    Step("shutdown"),
)

# What is masked besides numbers and times, and why.
OTHERWISE = (
    # One that cannot be executed is tried all the same: so `status` can say what is wrong with it.
    (
        re.compile(
            r"^(no\w+) +(STOPPED +Not started|FATAL +(can't find command|command at) .*)$", re.MULTILINE
        ),
        r"\1 NO",
    ),
    # What is wrong with a file is said in our own words, and all of it.
    (re.compile(r"CANT_REREAD: .*"), "CANT_REREAD"),
    (re.compile(r"^supervisor> \d+$", re.MULTILINE), "supervisor> N"),
)
# These come in the order in which it is done, and the last failure among them makes the exit status.
UNORDERED = ("start all", "stop all", "restart all", "start g:*", "stop g:*", "restart g:*")

Told = list[tuple[Step, Answer]]


def told_by(server: Mapping[str, tuple[str, ...]], client: Mapping[str, tuple[str, ...]]) -> Told:
    """Run all steps against a server, and return what the client has said."""
    with Server(HEAD + PROGRAMS, server, fifos=()) as there:
        there.wait_for(STARTED)
        found = []
        for step in STEPS:
            if step.programs:
                there.file.write_text((HEAD + step.programs).format(here=there.here))
            for name, state in step.until:
                while state not in there.ask(client, "status", name).out:
                    pass
            words = step.words.split() if step.words.strip() else ()
            answer = there.ask(client, *words, stdin=step.stdin)
            out = answer.out
            for pattern, word in OTHERWISE:
                out = pattern.sub(word, out)
            if step.words in UNORDERED:
                out = "\n".join(sorted(out.splitlines()))
                answer = replace(answer, status=min(answer.status, 1))
            found.append((step, replace(answer, out=out)))
        assert there.wait() == 0
    return found


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["Debian", "PyPI"])
def transcripts(request: pytest.FixtureRequest) -> tuple[Told, Told]:
    client = clients().get(request.param)
    if client is None:
        missing(f"no supervisorctl of {request.param}: apt-get install supervisor, pip install supervisor")
    with ThreadPoolExecutor() as pool:
        theirs, ours = (pool.submit(told_by, server, client) for server in (REAL, SERVER))
        return theirs.result(), ours.result()


def test_they_say_the_same(transcripts: tuple[Told, Told]) -> None:
    theirs, ours = transcripts
    different = []
    for (step, real), (_, own) in zip(theirs, ours, strict=True):
        if (real.status, real.out) != (own.status, own.out):
            seen = f"real {real.status} {real.out!r}\n  ours {own.status} {own.out!r}"
            different.append(f"{step.words!r}\n  {seen}")
    assert not different, "\n".join(different)
