"""endwell.cli.init: becoming the binary, wherever it was installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from endwell.cli import init
from endwell.cli.grammar import read_commands
from endwell.cli.main import main

installed = pytest.mark.skipif(init.find_binary() is None, reason="needs the installed endwell-init")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose scripts directory and records know no binary, and an empty PATH; returns PATH."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(init, "scripts", lambda: tmp_path / "scripts")
    monkeypatch.setattr(init, "recorded", lambda: iter(()))
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


def test_is_found_on_path_last(elsewhere: Path) -> None:
    assert init.find_binary() is None
    binary = elsewhere / "endwell-init"
    binary.mkdir()
    assert init.find_binary() is None, "a directory is not a program"
    binary.rmdir()
    binary.write_text("")
    assert init.find_binary() is None, "nor is a file that cannot be executed"
    binary.chmod(0o755)
    assert init.find_binary() == binary


@pytest.mark.parametrize("place", ["beside the interpreter", "scripts"])
def test_own_installation_comes_before_path(place: str, elsewhere: Path) -> None:
    folder = elsewhere.parent if place == "beside the interpreter" else elsewhere.parent / "scripts"
    folder.mkdir(exist_ok=True)
    for path in (elsewhere, folder):
        (path / "endwell-init").write_text("")
        (path / "endwell-init").chmod(0o755)
    assert init.find_binary() == folder / "endwell-init"


@installed
def test_is_found_where_pip_recorded_it() -> None:
    assert [path.name for path in init.recorded()] == ["endwell-init"]
    assert all(path.is_absolute() and path.exists() for path in init.recorded())


def test_missing_binary_is_told_in_one_line(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del elsewhere
    assert main(["init", "--", "true"]) == 125
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("endwell init: cannot find the program endwell-init: ")
    assert err.count("\n") == 1


def test_binary_for_another_machine_is_told_in_one_line(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = elsewhere / "endwell-init"
    binary.write_bytes(b"\x7fELF")
    binary.chmod(0o755)
    assert main(["init", "true"]) == 125
    assert capsys.readouterr().err == f"endwell init: cannot execute {binary}: Exec format error\n"


def test_words_are_passed_on_as_they_are(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = elsewhere / "endwell-init"
    binary.write_text("")
    binary.chmod(0o755)
    calls = []
    monkeypatch.setattr(os, "execv", lambda path, words: calls.append((path, words)))
    words = ["--grace", "1s", "-h", "--", "--version", "", "--", "x"]
    main(["init", *words])
    assert calls == [(binary, [str(binary), *words])]


@installed
def test_is_the_same_process() -> None:
    command = [sys.executable, "-m", "endwell", "init", "--", "sh", "-c", "echo $PPID"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate()
        assert int(out) == process.pid
    assert process.returncode == 0


@installed
def test_help_is_the_binary_s() -> None:
    binary = str(init.find_binary())
    theirs = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True)
    ours = subprocess.run(
        [sys.executable, "-m", "endwell", "init", "--help"], capture_output=True, text=True, check=True
    )
    assert ours.stdout == theirs.stdout != ""


@installed
def test_completion_knows_the_binary_s_options() -> None:
    """Held against the binary itself: its help is what people read, and neither may know more."""
    theirs = subprocess.run([str(init.find_binary()), "--help"], capture_output=True, text=True, check=True)
    words = next(words for words in read_commands() if words.name == "init")
    spellings = {spelling for option in words.options for spelling in option.spellings}
    assert spellings == set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", theirs.stdout))
