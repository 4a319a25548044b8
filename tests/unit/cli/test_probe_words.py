"""The words of `endwell probe`: what they mean, and what is said when they make no sense."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from endwell.cli.commands import BY_NAME
from endwell.cli.main import command_parser, main
from endwell.cli.probe import OWN
from endwell.cli.probing import series
from endwell.cli.probing.words import misplaced, read_plan
from endwell.model.signals import QUIT
from endwell.model.timeline import Way
from endwell.probe.plan import Execution, Plan


def plan(*words: str) -> Plan:
    return read_plan(command_parser(BY_NAME["probe"]).parse_args(words))


def test_a_command_runs_here() -> None:
    read = plan("--", "sh", "-c", "exit 3", "--json")
    assert read.spec.command == ("sh", "-c", "exit 3", "--json")
    assert read.engine == "local"
    assert read.spec.directory == str(Path.cwd())
    assert read.spec.environment["PATH"] == os.environ["PATH"]
    assert (read.observer, read.way, read.grace, read.signal) == ("auto", Way.STOP, None, None)


def test_the_dashes_may_be_left_out() -> None:
    assert plan("--grace", "3s", "sleep", "1").spec.command == ("sleep", "1")


def test_an_image_is_dockers() -> None:
    read = plan("--image", "app:1", "--signal", "QUIT", "--grace", "1m", "serve")
    assert (read.engine, read.spec.image, read.spec.command) == ("docker", "app:1", ("serve",))
    assert (read.signal, read.grace) == (QUIT, 60.0)
    assert "PATH" not in read.spec.environment
    assert read.spec.directory is None


def test_a_container_is_taken_as_it_is() -> None:
    read = plan("--container", "web", "--engine", "podman")
    assert (read.engine, read.container) == ("podman", "web")


def test_ways_to_end_it() -> None:
    assert plan("--kill", "true").way is Way.KILL
    assert plan("--twice", "true").way is Way.TWICE
    assert plan("--signal", "KILL", "true").way is plan("--signal", "9", "true").way is Way.KILL


def test_commands_inside() -> None:
    read = plan("--exec", "date", "--exec=-1s:sync", "--exec", "200ms:kill -9 1", "true")
    assert read.executions == (
        Execution(("/bin/sh", "-c", "date")),
        Execution(("/bin/sh", "-c", "sync"), -1.0),
        Execution(("/bin/sh", "-c", "kill -9 1"), 0.2),
    )


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSED_ON", "here")
    read = plan("-e", "A=1", "-e", "B=x=y", "-e", "PASSED_ON", "-e", "NOT_THERE", "true")
    assert {name: read.spec.environment.get(name) for name in ("A", "B", "PASSED_ON", "NOT_THERE")} == {
        "A": "1",
        "B": "x=y",
        "PASSED_ON": "here",
        "NOT_THERE": None,
    }


def test_an_init_in_front() -> None:
    assert plan("--init=tini -g --", "true").spec.init == ("tini", "-g", "--")
    assert plan("--init", "tini", "--", "sh", "-c", "x").spec.init == ("tini", "--")
    dumb = plan("--init=/usr/bin/dumb-init -c", "sh", "-c", "x").spec
    assert dumb.init == ("/usr/bin/dumb-init", "-c", "--")
    assert plan("--init=/usr/bin/env", "true").spec.init == ("/usr/bin/env",)
    ours = plan("--init", "--", "true").spec
    assert ours.init[0].endswith("/endwell-init")
    assert ours.init[1:] == ("--",)
    assert ours.command == ("true",)
    assert plan("--image", "app", "--init").spec.mounts == (ours.init[0],)


def test_traffic() -> None:
    load = plan("--http", "http://127.0.0.1:8080/x", "--rate", "10", "true").load
    assert load is not None
    assert (str(load.target), load.rate) == ("http://127.0.0.1:8080/x", 10.0)
    tcp = plan("--tcp", "127.0.0.1:5432", "true").load
    assert tcp is not None
    assert tcp.target.protocol == "tcp"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to stop"),
        (["--image", "a", "--container", "b"], "exclude each other"),
        (["--container", "a", "true"], "takes what runs already"),
        (["--container", "a", "--repeat", "2"], "can be stopped once only"),
        (["--engine", "docker", "true"], "needs --image or --container"),
        (["--engine", "local", "--image", "a"], "has neither images nor containers"),
        (["--twice", "--kill", "true"], "exclude each other"),
        (["--twice", "--signal", "KILL", "true"], "--twice and --signal KILL exclude each other"),
        (["--exec", "x:foo", "true"], "'x' is none"),
        (["--repeat", "0", "true"], "at least once"),
        (["--signal", "TREM", "true"], "did you mean TERM?"),
        (["--grace", "soon", "true"], "not a length of time"),
        (["--grace=-1s", "true"], "negative"),
        (["--ready", "then", "true"], "nothing to wait for"),
        (["--exec", "1s:", "true"], "names no command"),
        (["--env", "=1", "true"], "names no variable"),
        (["--http", "http://a/", "--tcp", "a:1", "true"], "exclude each other"),
        (["--http", "ftp://a/", "true"], "not an http or https URL"),
        (["--rate", "0", "--http", "http://127.0.0.1:1/", "true"], "--rate 0"),
        (["--html", "/no/such/directory/x.html", "true"], "cannot write --html"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("endwell probe: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "which"),
    [
        (("./app", "--signal", "INT"), "--signal"),
        (("./app", "--json"), "--json"),
        (("--image", "app", "serve", "--grace=1s"), "--grace"),
        (("./app", "--port", "1"), ""),
        (("--signal", "INT", "./app", "-q"), ""),
        (("--", "./app", "--signal", "INT"), ""),
        (("sh", "-c", "x", "--", "--signal"), ""),
    ],
)
def test_our_own_option_behind_the_command_is_noted(words: tuple[str, ...], which: str) -> None:
    assert misplaced(command_parser(BY_NAME["probe"]).parse_args(words), OWN) == which


def test_the_note_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "/no/such/program", "--signal", "INT"]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert note.startswith("endwell probe: note: --signal behind the command is the command's own; ")
    assert error.startswith("endwell probe: cannot start /no/such/program: ")


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (errno.EMFILE, "; see ulimit -a"),
        (errno.EACCES, "; see its permissions"),
        (errno.ENOSPC, "; free space"),
        (errno.ENOTDIR, ""),
    ],
)
def test_only_a_limit_leads_to_ulimit(
    number: int, step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr(series, "run", fail)
    assert main(["probe", "true"]) == 2
    wanted = f"endwell probe: cannot go on: /some/file: {os.strerror(number)}{step}\n"
    assert capsys.readouterr().err == wanted
