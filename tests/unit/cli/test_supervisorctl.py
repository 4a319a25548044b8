"""supervisorctl's words: completion, the names of processes, results, and where its file is."""

from __future__ import annotations

import io

import pytest

from endwell.cli import supervisorctl
from endwell.cli.supervisor.codes import Exit, result_line, spell, split
from endwell.cli.supervisor.console import Console
from endwell.cli.supervisor.pages import PAGES
from endwell.cli.supervisor.processes import START
from endwell.cli.supervisor.server import Server
from endwell.model.faults import Fault

PROCESSES = [{"group": "g", "name": "a"}, {"group": "g", "name": "b"}, {"group": "web", "name": "web"}]


class Fake(Server):
    """Answers without a server, and counts how often it is asked."""

    def __init__(self, answer: object) -> None:
        super().__init__("unix:///nowhere")
        self.answer = answer
        self.asked = 0

    def call(self, method: str, *arguments: object) -> object:  # noqa: ARG002  one answer for all
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def console(answer: object) -> Console:
    made = Console(Fake(answer), supervisorctl._commands(), PAGES)
    made.stdout = io.StringIO()
    return made


def completions(made: Console, line: str) -> list[str]:
    text = line.rpartition(" ")[2]
    found: list[str] = []
    while (word := made.complete(text, len(found), line)) is not None:
        found.append(word.strip())
    return found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sta", ["start", "status"]),
        ("help re", ["reload", "remove", "reread", "restart"]),
        ("start ", ["g:a", "g:*", "g:b", "web"]),
        ("stop g:", ["g:a", "g:*", "g:b"]),
        ("signal HUP w", ["web"]),
        ("signal HUP web:", ["web:web", "web:*"]),
        ("update ", ["g", "web"]),
        ("open ", []),
        ("nonsense ", []),
    ],
)
def test_what_may_follow_is_known(line: str, words: list[str]) -> None:
    made = console(PROCESSES)
    assert completions(made, line) == words
    assert isinstance(made.server, Fake)
    assert made.server.asked <= 1


def test_an_empty_line_may_become_any_command() -> None:
    assert set(completions(console(PROCESSES), "")) == set(PAGES) | {"help"}


def test_completion_is_quiet_when_nobody_answers() -> None:
    assert completions(console(ConnectionRefusedError(111, "no")), "start ") == []


@pytest.mark.parametrize("name", ["web", "g:a", "g:*", "g:", "a:b:c"])
def test_names_are_taken_apart_and_put_together(name: str) -> None:
    group, process = split(name)
    assert spell(group, process or "*") == (f"{group}:*" if process is None else name)


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert set(supervisorctl._commands()) - {"EOF", "help"} == set(PAGES)


def test_a_result_without_words_is_an_error_that_names_it() -> None:
    result = {"group": "web", "name": "web", "status": Fault.SHUTDOWN_STATE, "description": ""}
    with pytest.raises(ValueError, match="Unknown result code 6 for web"):
        result_line(result, START.words, START.success)


def test_a_server_of_another_version_is_not_talked_to() -> None:
    made = console("2.0")
    made.onecmd("status")
    assert "expects to talk to a server with API version 3.0" in made.stdout.getvalue()  # type: ignore[attr-defined]
    assert made.status == 4
    made.onecmd("start web")
    assert made.status == Exit.OTHER_VERSION
