"""endwell.parse.procfile: as foreman and honcho read it, and the shell out of the way of the stop signal."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from endwell.model.project import ExitWhen, When
from endwell.model.restart import Restart
from endwell.model.service import ServiceSpec
from endwell.parse.problems import ConfigurationError
from endwell.parse.procfile import read_procfile, replaced_shell

if TYPE_CHECKING:
    from endwell.parse.procfile import Procfile

FORBIDDEN = PermissionError(13, "Permission denied")
NO_TEXT = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def read(text: str | Exception, dot_env: str | Exception | None = None, **environment: str) -> Procfile:
    files = {"app/Procfile": text} | ({} if dot_env is None else {"app/.env": dot_env})

    def reader(path: str) -> str:
        found = files.get(path, FileNotFoundError(2, "No such file or directory"))
        if isinstance(found, Exception):
            raise found
        return found

    return read_procfile("app/Procfile", reader, environment)


def test_lines_are_services() -> None:
    found = read("# two\n\nweb: gunicorn app:app --bind :$PORT\r\nwork-er_2:celery worker | cat\n")
    web, worker = found.project.services
    assert web == ServiceSpec(
        name="web",
        group="web",
        command=("/bin/sh", "-c", "exec gunicorn app:app --bind :$PORT"),
        start=web.start,
        stop_timeout=5,
        environment={"PORT": "5000", "PS": "web.1"},
    )
    assert (web.restart.when, web.start.retries) == (Restart.NO, 0)
    assert (worker.name, worker.command[2], worker.stop_group) == ("work-er_2", "celery worker | cat", True)
    assert worker.environment["PORT"] == "5100"
    assert found.project.exit_when == ExitWhen(When.ANY_EXITS)
    assert found.warnings == ()
    assert {name: str(place) for name, place in found.places.items()} == {
        "web": "app/Procfile:3",
        "work-er_2": "app/Procfile:4",
    }
    assert found.files == ("app/Procfile",)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("server -p 80", "exec server -p 80"),
        ("  server 'a;b' \"c|d\" e\\;f", "exec   server 'a;b' \"c|d\" e\\;f"),
        ("server > log 2>&1 < in", "exec server > log 2>&1 < in"),
        ("server &> log", "exec server &> log"),
        ("A=1 B='x y' server $A", "A=1 B='x y' exec server $A"),
        ('A="$(x)" server', None),
        ("server ${PORT:-80}", "exec server ${PORT:-80}"),
        ("server # and more; words", None),
        ("a && b", None),
        ("a; b", None),
        ("a & ", None),
        ("a | tee log", None),
        ("(a)", None),
        ("cd x", None),
        ("exec server", None),
        ("while true", None),
        ("A=1", None),
        ("! server", None),
        ("server `hostname`", None),
        ("server $(hostname)", None),
        ("server 'a", None),
    ],
)
def test_the_command_replaces_the_shell_where_that_changes_nothing(command: str, line: str | None) -> None:
    assert replaced_shell(command) == line


@pytest.mark.parametrize(
    "command", ["echo 'a  b' \"$X\" c\\;d > /dev/stdout 2>&1", "Y='1 2' X=3 env printenv X Y", "printenv X"]
)
def test_a_real_shell_does_the_same_with_it(command: str) -> None:
    line = replaced_shell(command)
    assert line
    assert line != command
    both = [
        subprocess.run(
            ["/bin/sh", "-c", one],
            env={"PATH": "/usr/bin:/bin", "X": "x  y"},
            capture_output=True,
            check=True,
        ).stdout
        for one in (command, line)
    ]
    assert both[0] == both[1]
    assert both[0]


def test_the_variables_of_dot_env() -> None:
    text = 'A=1\nexport B=\'x $A\'\n# C=1\nC="a\\n\\"b\\""\nD=x y # z\nPORT=7000\r\n\nwhat\n'
    found = read("web: a\nworker: b\n", text, PORT="9000", HOME="/root")
    web, worker = found.project.services
    assert web.environment == {
        "A": "1",
        "B": "x $A",
        "C": 'a\n"b"',
        "D": "x y # z",
        "PORT": "7000",
        "PS": "web.1",
    }
    assert worker.environment["PORT"] == "7100"
    assert [str(one) for one in found.warnings] == ["app/.env:8: 'what' is passed over: write NAME=value"]
    assert found.files == ("app/Procfile", "app/.env")
    assert read("web: a\n", PORT="9000").project.services[0].environment["PORT"] == "9000"


def test_lines_that_are_none_are_odd() -> None:
    assert [str(one) for one in read("web: a\nb c: d\nweb2:\n").warnings] == [
        "app/Procfile:2: 'b c: d' is passed over: write NAME: COMMAND, or # in front of a comment",
        "app/Procfile:3: 'web2:' is passed over: write NAME: COMMAND, or # in front of a comment",
    ]


@pytest.mark.parametrize(
    ("text", "dot_env", "message"),
    [
        ("", None, "app/Procfile:1: there is no line NAME: COMMAND: write one, as in web: gunicorn app:app"),
        (
            "web: a\nb: b\nweb: c\n",
            None,
            "app/Procfile:3: there is a web at app/Procfile:1 already: give one of them another name",
        ),
        (
            FORBIDDEN,
            None,
            "app/Procfile:1: cannot read the file: Permission denied; correct its name or its mode",
        ),
        (
            "web: a\n",
            FORBIDDEN,
            "app/.env:1: cannot read the file: Permission denied; correct its mode, or remove it",
        ),
        (
            NO_TEXT,
            None,
            (
                "app/Procfile:1: cannot read the file: 'utf-8' codec can't decode byte 0xff in position 0: "
                "invalid start byte; save it as UTF-8"
            ),
        ),
    ],
)
def test_says_what_is_wrong_where_and_what_to_do(
    text: str | Exception, dot_env: str | Exception | None, message: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(text, dot_env)
    assert str(error.value) == message
