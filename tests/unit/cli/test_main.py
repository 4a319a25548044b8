"""endwell.cli.main: the words before the sub-command, help, suggestions, exit statuses."""

import io
import os
import subprocess
import sys

import pytest

from endwell import __version__
from endwell.cli.commands import COMMANDS
from endwell.cli.main import main
from endwell.cli.parser import has_color

NAMES = ", ".join(command.name for command in COMMANDS)
# What a command that only prints a version has no use for.
HEAVY = {
    "asyncio",
    "concurrent",
    "dataclasses",
    "email",
    "http",
    "importlib.metadata",
    "inspect",
    "json",
    "logging",
}
HEAVY |= {
    "multiprocessing",
    "select",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "urllib.request",
    "xmlrpc",
}


def run(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "endwell", *words]
    surroundings = None if environment is None else os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings)


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0
    assert "examples:\n  endwell init --grace 10s -- python app.py" in out
    assert all(f"  {command.name} " in out and command.summary in out for command in COMMANDS)
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) <= 50


def test_nothing_to_do_is_an_error_that_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "examples:" in err


@pytest.mark.parametrize("word", ["-V", "--version"])
def test_version_option(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([word])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"endwell {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["inti"], "'inti' is not a command: did you mean init?"),
        (["fly"], f"'fly' is not a command: there are {NAMES}"),
        ([""], f"'' is not a command: there are {NAMES}"),
    ],
)
def test_unknown_command_is_told_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr() == ("", f"endwell: {said}; see `endwell --help`\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fly"], "endwell: unrecognized arguments: --fly; see `endwell --help`\n"),
        (
            ["version", "--fly"],
            "endwell version: unrecognized arguments: --fly; see `endwell version --help`\n",
        ),
        (["version", "x"], "endwell version: unrecognized arguments: x; see `endwell version --help`\n"),
    ],
)
def test_bad_words_are_told_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if not command.forwards])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: endwell {name}")


def test_version_says_what_a_bug_report_needs() -> None:
    done = run("version")
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == f"endwell {__version__}"
    assert [line.split()[0] for line in lines] == ["endwell", "init", "python", "kernel"]


def modules(code: str) -> set[str]:
    """Return the words of the last line that the code prints, when nobody measures its coverage."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings
    )
    return set(done.stdout.splitlines()[-1].split())


def test_start_is_lean() -> None:
    """Compared with argparse alone: what a virtual environment's .pth files import is not ours."""
    show = "import sys; print(*sorted(sys.modules))"
    width = "formatter_class=lambda prog: argparse.HelpFormatter(prog, width=78)"  # else it imports shutil
    argparse = f"import argparse; argparse.ArgumentParser('x', {width}).add_argument('-x')"
    loaded = modules(f"from endwell.cli.main import main; main(['version']); {show}")
    loaded -= modules(f"{argparse}; {show}")
    assert "endwell.cli.version" in loaded
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("endwell.model")}


def test_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "endwell", "version"], stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_color_only_on_a_terminal_and_never_against_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_color(Terminal())
    assert not has_color(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not has_color(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_color(Terminal())


@pytest.mark.parametrize(("no_color", "bold"), [("", True), ("1", False)])
def test_headings_are_bold_on_a_terminal(
    no_color: str,
    bold: bool,  # noqa: FBT001 - a column of the table
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert ("\033[1mexamples:\033[0m" in terminal.getvalue()) == bold
    assert "examples:" in terminal.getvalue()


def test_an_interrupt_while_it_is_imported_is_no_traceback() -> None:
    program = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'endwell.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from endwell.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
