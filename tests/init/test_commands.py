"""How the command is found and executed, and what is said when it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.init.support import everywhere, guest, needs_root, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.init.support import Place


def program(path: Path, text: str, mode: int = 0o755) -> Path:
    """A file with this text and mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@everywhere
@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("no-such-command", 127, "not found in PATH"),
        ("/no/such/command", 127, "No such file or directory"),
        ("./no-such", 127, "No such file or directory"),
        ("/etc/passwd/command", 127, "Not a directory"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/", 126, "Permission denied"),
        ("/etc", 126, "Permission denied"),
        (".", 126, ""),
        ("", 127, ""),
        ("/" + "x" * 5000, 126, "File name too long"),
        ("x" * 5000, 126, "File name too long"),
    ],
)
def test_what_cannot_be_executed(command: str, status: int, words: str, place: Place) -> None:
    ended = run("--after-exit", "echo never", "--", command, "argument", place=place)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.startswith("endwell-init: cannot run '")
    assert ended.err.count("\n") == 1
    assert ";" in ended.err or len(command) > 1000, "with a next step"
    assert words in ended.err or len(command) > 1000


def test_an_empty_file_and_a_script_without_a_shell_line(tmp_path: Path) -> None:
    script = program(tmp_path / "script", 'echo "$0" "$#" "$1"; exit 5\n')
    assert run("--", str(script), "a b", "c") == (5, f"{script} 2 a b\n", "")
    empty = program(tmp_path / "empty", "")
    assert run("--", str(empty)) == (0, "", "")
    assert run("--", "script", environment={"PATH": f"/no/such:{tmp_path}"}).status == 5
    assert run(str(script)).status == 5, "the word before the command is ours in any case"


def test_a_shell_line_whose_program_is_not_there(tmp_path: Path) -> None:
    script = program(tmp_path / "script", "#!/no/such/interpreter\n")
    ended = run("--", str(script))
    assert ended.status == 127
    assert ended.err.count("\n") == 1


def test_a_program_for_another_machine(tmp_path: Path) -> None:
    # an ELF header of a machine that nobody has: execve says ENOEXEC, and the shell does not know it either
    script = tmp_path / "foreign"
    script.write_bytes(b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xff\xfe\x01\0\0\0" + b"\0" * 100)
    script.chmod(0o755)
    assert run("--", str(script)).status in {126, 127}


def test_the_search_goes_on_after_what_cannot_be_executed(tmp_path: Path) -> None:
    program(tmp_path / "a" / "tool", "#!/bin/sh\necho a\n", 0o644)
    (tmp_path / "b" / "tool").mkdir(parents=True)
    program(tmp_path / "c" / "tool", "#!/bin/sh\necho c\n")
    program(tmp_path / "d" / "tool", "#!/bin/sh\necho d\n")
    path = ":".join(str(tmp_path / name) for name in ("none", "a", "b", "c", "d"))
    assert run("--", "tool", environment={"PATH": path}) == (0, "c\n", "")
    only = run("--", "tool", environment={"PATH": f"{tmp_path / 'a'}:/no/such:/etc/passwd"})
    assert only.status == 126
    assert "Permission denied" in only.err


@pytest.mark.parametrize("path", ["", ":", "/no/such:", ":/no/such", "/no/such::/no", "."])
def test_an_empty_folder_of_path_is_where_we_are(path: str, tmp_path: Path) -> None:
    program(tmp_path / "tool", "#!/bin/sh\necho here\n")
    assert run("--", "tool", environment={"PATH": path}, directory=tmp_path) == (0, "here\n", "")


def test_a_word_with_a_slash_is_not_searched(tmp_path: Path) -> None:
    program(tmp_path / "sub" / "tool", "#!/bin/sh\necho here\n")
    assert run("--", "sub/tool", environment={"PATH": "/bin"}, directory=tmp_path).out == "here\n"
    assert run("--", "sub/tool", environment={"PATH": str(tmp_path)}).status == 127


@needs_root
def test_too_long_an_argument() -> None:
    def prepare() -> None:
        import resource  # noqa: PLC0415 - in the process that becomes the init

        resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    # what we were given fits, and so does what we give on: it is less
    assert run("--", "true", *["x" * 100_000] * 15, prepare=prepare).status == 0


def test_the_status_is_passed_on() -> None:
    for status in (0, 1, 77, 124, 125, 126, 127, 128, 255):
        assert run("--", *guest(f"os._exit({status})")).status == status


@pytest.mark.parametrize(
    ("maps", "status", "expected"),
    [
        (("143=0",), "kill -TERM $$", 0),
        (("143=0", "0=9"), "exit 0", 9),
        (("3=4", "4=5"), "exit 3", 4),
        (("3=4", "3=6"), "exit 3", 6),
        (("3=3",), "exit 3", 3),
        (("3=4",), "exit 5", 5),
        (("255=0",), "exit 255", 0),
    ],
)
def test_a_mapped_status(maps: tuple[str, ...], status: str, expected: int) -> None:
    options = [word for entry in maps for word in ("--exit-map", entry)]
    assert run(*options, "--", "/bin/sh", "-c", status).status == expected
