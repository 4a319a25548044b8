"""`endwell up --check`: what services ask for and is not on this machine, with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from endwell.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    for name in ("there", "sh"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text("")
        program.chmod(0o755)
    (tmp_path / "plain").write_text("")
    return tmp_path


def not_on_path(name: str, here: object = "{here}") -> str:
    return f"cannot find {name} here: it is not on PATH ({here}/bin); install it, or correct the command"


def checked(capsys: pytest.CaptureFixture[str], name: str, text: str) -> list[str]:
    """Check a file; return what is missing, with its line."""
    Path(name).write_text(text, encoding="utf-8")
    assert main(["up", name, "--check"]) == 0
    *said, opening = capsys.readouterr().err.splitlines()
    assert f" from {name}, " in opening
    return [line.removeprefix(f"endwell up: warning: {name}:") for line in said]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('command = "there"', []),
        ('command = "bin/there"', []),
        ('command = "{here}/bin/there"\nworking-directory = "/"', []),
        ('command = "./there"\nworking-directory = "bin"', []),
        (
            'command = "gone -x"\nreplicas = 3',
            [f"2: web-1: {not_on_path('gone')}"],
        ),
        (
            'command = "there"\nenvironment = {{ PATH = "/no" }}',
            ["2: web: cannot find there here: it is not on PATH (/no); install it, or correct the command"],
        ),
        (
            '\ncommand = "./gone"',
            ["3: web: cannot find ./gone here: there is no such file; install it, or correct the command"],
        ),
        ('command = "./plain"', ["2: web: cannot execute ./plain here: it is not executable; chmod +x"]),
        (
            'command = "./there"\nworking-directory = "/no"',
            ["3: web: there is no directory /no here; create it, or correct the setting"],
        ),
        (
            'command = "there"\nuser = "nobody-x"',
            ["3: web: cannot run as user nobody-x: there is no user 'nobody-x': create it, or use a number"],
        ),
        (
            'command = "there"\nlogs = {{ stdout = "/no/a.log" }}',
            ["3: web: there is no directory /no here for a log; create it, or correct the setting"],
        ),
        (
            'command = "there"\nlogs = {{ stdout = "bin/a.log", stderr = "/dev/stderr" }}',
            [],
        ),
        (
            (
                'command = ["sh", "-c", "A=1 gone x"]\nhooks = {{ after-start = ["gone2"] }}\n'
                'health = "exec:gone3 x"\nready = "exec:there"'
            ),
            [f"{line}: web: {not_on_path(name)}" for line, name in ((2, "gone"), (3, "gone2"), (4, "gone3"))],
        ),
    ],
)
def test_an_endwell_toml(here: Path, capsys: pytest.CaptureFixture[str], lines: str, said: list[str]) -> None:
    found = checked(capsys, "endwell.toml", "[services.web]\n" + lines.format(here=here) + "\n")
    assert found == [one.format(here=here) for one in said]


def test_a_default_is_wrong_where_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    text = '[defaults]\nworking-directory = "/no"\n' + '[services.{}]\ncommand = "there"\n' * 2
    text = text.replace("{}", "a", 1).replace("{}", "b")
    assert [line[:4] for line in checked(capsys, "endwell.toml", text)] == ["2: a", "2: b"]


def test_a_procfile(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Only a shell could say which program the last ones become.
    lines = ("there --x", "X=1 gone", "exec gone2 a b", "gone3 | cat", "$GONE", "PATH=/x gone4", ">log gone5")
    text = "".join(f"p{number}: {line}\n" for number, line in enumerate(lines, 1))
    assert checked(capsys, "Procfile", text) == [
        f"{line}: p{line}: {not_on_path(name, here)}" for line, name in ((2, "gone"), (3, "gone2"))
    ]


def test_a_supervisord_conf(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "[supervisord]\n[program:a]\ncommand=gone\ndirectory=/no\n[program:b]\ncommand=there\n"
    assert checked(capsys, "supervisord.conf", text) == [
        "2: a: there is no directory /no here; create it, or correct the setting",
        f"2: a: {not_on_path('gone', here)}",
    ]


def test_another_user_needs_root(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    text = '[services.web]\ncommand = "there"\nuser = "{}"\n'
    assert checked(capsys, "endwell.toml", text.format(65534)) == []
    assert checked(capsys, "endwell.toml", text.format(1234)) == [
        "3: web: cannot run as user 1234: we are user 65534; run endwell as root"
    ]
