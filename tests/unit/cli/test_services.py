"""`endwell plan`, `endwell convert`, `endwell schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endwell.cli.main import main
from endwell.parse import project
from endwell.render.services_schema import schema

FITS = '[services.web]\ncommand = "x"\n'
LONG = FITS + "stop-timeout = 20\n"
CYCLE = FITS + 'after = "db"\n[services.db]\ncommand = "y"\nafter = "web"\n'
CONF = "[supervisord]\n[program:web]\ncommand=x\nwhat=y\n[unix_http_server]\nfile=%(here)s/s\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "SEARCH_PATH", ("endwell.toml", "Procfile"))  # not those of this machine
    return tmp_path


@pytest.fixture
def programs(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be those that services have here."""
    for name in ("x", "y"):
        (here / name).touch(0o755)
    monkeypatch.setenv("PATH", str(here))


@pytest.mark.parametrize(
    ("text", "words", "status"),
    [
        (FITS, [], 0),
        (LONG, [], 1),
        (LONG, ["--grace", "30s"], 0),
        (LONG, ["--grace", "soon"], 2),
        (CYCLE, [], 2),
        ("[", [], 2),
    ],
)
def test_the_exit_status_of_a_plan(here: Path, text: str, words: list[str], status: int) -> None:
    (here / "endwell.toml").write_text(text)
    assert main(["plan", *words]) == status
    assert main(["plan", "endwell.toml", "--json", *words]) == status


def test_a_plan(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "endwell.toml").write_text(FITS + 'after = []\nuser = "${NOBODY_KNOWS}x"\n')
    assert main(["plan"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("endwell.toml: 1 service\n\nstart\n   1  web  at once\n")
    assert said.err == (
        "endwell plan: warning: endwell.toml:4: services.web.user = '${NOBODY_KNOWS}x' has ${NOBODY_KNOWS}, "
        "which is not set and becomes nothing: write ${NOBODY_KNOWS:-} if that is meant\n"
    )
    assert main(["plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stop"]["fits"] is True


def test_a_file_is_named_by_a_word_or_by_an_option(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "other.toml").write_text(FITS)
    for words in (
        ["other.toml"],
        ["-c", "other.toml"],
        ["--file=other.toml"],
        ["--configuration", "other.toml"],
    ):
        assert main(["plan", *words]) == 0
        assert main(["up", "--check", *words]) == 0
    capsys.readouterr()
    for command in ("plan", "up"):
        for words in (["other.toml", "-c", "other.toml"], ["-c", "", "other.toml"], [""], ["-c", ""]):
            assert main([command, *words]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"endwell {command}: {why}"
        for command in ("plan", "up")
        for why in (
            "the file is named twice, other.toml and -c other.toml: leave one out",
            "the file is named twice, other.toml and -c : leave one out",
            *["the name of the file is empty: write it, or leave the word out to have it found"] * 2,
        )
    ]


CHAIN = '[services.db]\ncommand = "y"\n' + FITS + 'after = ["db"]\n'
TEN_FOR_EACH = CONF.partition("what")[0]
LEVELS = "[supervisord]\n" + "".join(f"[program:p{at}]\ncommand=x\npriority={at}\n" for at in range(3))


def does_not_fit(takes: str, more: str, grace: str, command: str) -> str:
    return (
        f"warning: the stop does not fit: at the worst it takes {takes}, {more} more than the grace "
        f"of {grace} leaves; `{command}` shows who is cut short, and what to change"
    )


@pytest.mark.parametrize(
    ("name", "text", "words", "said"),
    [
        ("endwell.toml", FITS, [], ["1 service from ./endwell.toml, grace 10s"]),
        ("Procfile", "a: x\nb: y\n", ["Procfile"], ["2 services from Procfile, grace 10s"]),
        (
            "endwell.toml",
            f"{FITS}replicas = 3\n",
            ["--grace", "1m"],
            ["1 service, 3 processes, from ./endwell.toml, grace 1m"],
        ),
        (
            "endwell.toml",
            LONG,
            [],
            [
                "1 service from ./endwell.toml, grace 10s",
                does_not_fit("20s", "10.5s", "10s", "endwell plan"),
            ],
        ),
        (
            "a b.toml",
            LONG,
            ["a b.toml", "--grace", "2s"],
            [
                "1 service from a b.toml, grace 2s",
                does_not_fit("20s", "18.2s", "2s", "endwell plan 'a b.toml' --grace 2s"),
            ],
        ),
        # Nobody has asked for these 10 s, and supervisord would wait for them whatever the grace is.
        ("s.conf", TEN_FOR_EACH, ["s.conf"], ["1 service from s.conf, grace 10s"]),
        (
            "s.conf",
            TEN_FOR_EACH.replace("d]", "d]\nendwell_grace=10s", 1),
            ["s.conf"],
            ["1 service from s.conf, grace 10s"],
        ),
        ("s.conf", LEVELS, ["s.conf"], ["3 services from s.conf, grace 10s"]),
        (
            "s.conf",
            LEVELS.replace("=x", "=x\nstopwaitsecs=4"),
            ["s.conf"],
            [
                "3 services from s.conf, grace 10s",
                does_not_fit("12s", "2.5s", "10s", "endwell plan s.conf"),
            ],
        ),
        ("endwell.toml", CHAIN, [], ["2 services from ./endwell.toml, grace 10s"]),
        (
            "endwell.toml",
            f'{CHAIN}stop-timeout = "9.9s"\n',
            [],
            [
                "2 services from ./endwell.toml, grace 10s",
                does_not_fit("19.4s", "9.9s", "10s", "endwell plan"),
            ],
        ),
        (
            "s.conf",
            "[supervisord]\n",
            ["s.conf"],
            [
                "0 services from s.conf, grace 10s",
                "warning: s.conf has no service, so nothing will run: write some, then `endwell reload`",
            ],
        ),
    ],
)
@pytest.mark.usefixtures("programs")
def test_what_is_said_before_anything_starts(
    capsys: pytest.CaptureFixture[str], name: str, text: str, words: list[str], said: list[str]
) -> None:
    Path(name).write_text(text, encoding="utf-8")
    assert main(["up", "--check", *words]) == 0
    assert capsys.readouterr().err.splitlines() == [f"endwell up: {line}" for line in said]


def test_a_file_that_was_found_and_has_no_service(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "supervisord.conf").write_text("[supervisord]\n")
    monkeypatch.setattr(project, "SEARCH_PATH", ("endwell.toml", f"{here}/supervisord.conf"))
    assert main(["up", "--check"]) == 0
    path = f"{here}/supervisord.conf"
    assert capsys.readouterr().err == (
        f"endwell up: 0 services from {path}, grace 10s\nendwell up: warning: {path} was found where files "
        "of services usually are, and has no service, so nothing will run: name your own, `endwell up FILE`\n"
    )


def test_the_help_of_up_and_of_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    for command in ("up", "plan"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= 80
        if command == "up":
            places = text.split("is taken: ")[1].split(".\n\n")[0].replace(" and", ",")
            assert places.replace(",", " ").split() == list(project.SEARCH_PATH)


def test_what_cannot_be_planned_is_told_with_its_place(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan"]) == 2
    assert capsys.readouterr().err.startswith(
        "endwell plan: there is no file of services: name one; looked for"
    )
    (here / "endwell.toml").write_text(CYCLE)
    assert main(["plan"]) == 2
    assert capsys.readouterr().err == (
        "endwell plan: endwell.toml:3: web waits for itself, web -> db -> web: remove one of these "
        "dependencies\n"
    )
    (here / "endwell.toml").write_text("a = 1\nb = 2\n")
    assert main(["plan"]) == 2
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "endwell.toml:1",
        "endwell.toml:1",
        "endwell.toml:2",
    ]


def test_a_supervisord_conf_is_converted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "supervisord.conf").write_text(CONF)
    assert main(["convert", "supervisord.conf", "-o", "endwell.toml"]) == 0
    assert "supervisord.conf:4: [program:web] has no option what" in capsys.readouterr().err
    text = (here / "endwell.toml").read_text()
    assert text.startswith(
        "# Made of supervisord.conf by `endwell convert`.\n"
        "# [unix_http_server] has no word here: supervisorctl needs the supervisord.conf.\n\n"
    )
    assert main(["plan"]) == 1
    assert main(["convert", "supervisord.conf"]) == 0
    assert capsys.readouterr().out.endswith(text)


def test_what_is_not_converted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "endwell.toml").write_text(FITS)
    (here / "Procfile").write_text("web: x\n")
    for words, said in (
        (["endwell.toml"], "endwell.toml is an endwell.toml already: name a supervisord.conf or a Procfile"),
        (["Procfile", "-o", "endwell.toml"], "cannot write endwell.toml: File exists; name another file"),
        (
            ["x.conf"],
            "x.conf:1: cannot read the file: No such file or directory; name one that is there with -c",
        ),
    ):
        assert main(["convert", *words]) == 2
        assert capsys.readouterr().err == f"endwell convert: {said}\n"
    assert (here / "endwell.toml").read_text() == FITS


def test_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
