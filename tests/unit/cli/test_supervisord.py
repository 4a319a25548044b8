"""What supervisord's command line and its file say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from endwell.cli.supervisor import settings
from endwell.cli.supervisor.options import UsageError, read_line
from endwell.cli.supervisor.settings import Rereader, find_file, read_settings
from endwell.cli.supervisord import OPTIONS
from endwell.records import replace
from endwell.supervise.reading import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = "[program:a]\ncommand=a\n"


def write(folder: Path, text: str) -> str:
    path = folder / "supervisord.conf"
    path.write_text(text)
    return str(path)


def values(*words: str) -> dict[str, object]:
    return read_line(words, OPTIONS).values


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (("-nc", "file"), {"nodaemon": True, "configuration": "file"}),
        (("-cfile", "-y1KB"), {"configuration": "file", "logfile_maxbytes": 1024}),
        (("--conf=file", "--sil"), {"configuration": "file", "silent": True}),
        (("--logfile", "x", "-m", "77"), {"logfile": "x", "umask": 0o77}),
        (("--", "-n"), {}),
        (("word", "-n"), {}),
        (("-",), {}),
    ],
)
def test_options_are_read_as_getopt_reads_them(words: tuple[str, ...], read: dict[str, object]) -> None:
    assert values(*words) == read


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("-nX",), "option -X not recognized"),
        (("-c",), "option -c requires argument"),
        (("--log",), "option --log not a unique prefix"),
        (("--nodaemon=1",), "option --nodaemon must not have an argument"),
        (("--config",), "option --configuration requires argument"),
        (("-c", "a", "--configuration=b"), "conflicting command line option '--configuration'"),
    ],
)
def test_what_makes_no_sense_is_said_as_getopt_says_it(words: tuple[str, ...], problem: str) -> None:
    with pytest.raises(UsageError) as error:
        values(*words)
    assert str(error.value) == problem


def test_the_command_line_comes_before_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path, f"[supervisord]\nidentifier=file\nlogfile={tmp_path}/file.log\nminfds=5\n{PROGRAM}"
    )
    words = ("-i", "words", "-l", f"{tmp_path}/x/../words.log", "-q", str(tmp_path), "-t")
    (tmp_path / "x").mkdir()
    file, found = read_settings(path, values(*words))
    assert (found.identifier, found.logfile, found.minfds) == ("words", f"{tmp_path}/words.log", 5)
    (spec,) = file.project.services
    assert spec.stdout.path == f"{tmp_path}/a-stdout---words.log"
    assert spec.stdout.strip_ansi


@pytest.mark.parametrize(
    ("text", "grace"),
    [
        (PROGRAM, (10, 10)),
        (f"{PROGRAM}stopwaitsecs=10\n", (10, 10)),
        (f"{PROGRAM}stopwaitsecs=90\n", (90, 93)),
        (f"endwell_grace=5s\n{PROGRAM}stopwaitsecs=90\n", (5, 5)),
    ],
)
def test_who_wants_more_time_than_docker_gives_gets_it(
    tmp_path: Path, text: str, grace: tuple[int, int]
) -> None:
    file, _ = read_settings(write(tmp_path, f"[supervisord]\n{text}"), {})
    assert grace[0] <= file.project.grace <= grace[1]


def test_a_user_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Invalid user name nobody-of-this-name"):
        read_settings(write(tmp_path, f"[supervisord]\n{PROGRAM}"), values("-u", "nobody-of-this-name"))


def test_without_a_file_it_says_where_it_has_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "search_path", lambda _: (str(tmp_path / "a"), str(tmp_path / "b")))
    with pytest.raises(UsageError, match=r"No config file found at default paths \(.*a, .*b\); use the -c"):
        find_file()
    (tmp_path / "b").touch()
    assert find_file() == str(tmp_path / "b")


def test_a_file_is_read_again_with_the_same_words_and_from_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, f"[supervisord]\n{PROGRAM}")
    read = Rereader("supervisord.conf", values("-t"), lambda said: replace(said, grace=said.grace / 2))
    assert [spec.name for spec in read.first.project.services] == ["a"]
    write(tmp_path, f"[supervisord]\n{PROGRAM}[program:b]\ncommand=b\n")
    monkeypatch.chdir("/")
    again = read()
    assert [spec.name for spec in again.project.services] == ["a", "b"]
    assert again.project.grace == 5.0
    assert all(spec.stdout.strip_ansi for spec in again.project.services)
    write(tmp_path, "[supervisord]\n[program:b]\n[program:c]\n")
    with pytest.raises(UnreadableError) as error:
        read()
    assert [problem.partition("supervisord.conf")[2][:2] for problem in error.value.problems] == [":2", ":3"]


def test_a_circle_is_an_error_with_its_place(tmp_path: Path) -> None:
    circle = "[program:a]\ncommand=a\nendwell_after=b\n[program:b]\ncommand=b\nendwell_after=a\n"
    with pytest.raises(UsageError, match=r"supervisord\.conf:[25]: "):
        read_settings(write(tmp_path, f"[supervisord]\n{circle}"), {})
