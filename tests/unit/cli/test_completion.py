"""endwell.cli.completion: what the shells themselves make of the text."""

import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from endwell.cli.main import main
from endwell.cli.shells import WRITERS, write

# What is on the line before the cursor, and what must be among the proposals, or must not.
LINES = [
    ("endwell ", {"init", "completion", "version"}, {"--help"}),
    ("endwell ver", {"version"}, {"init"}),
    ("endwell --ver", {"--version"}, {"--help"}),
    ("endwell completion ", {"bash", "zsh", "fish"}, {"init"}),
    ("endwell stop ", {"web-1", "web-2", "db"}, {"stop"}),
    ("endwell stop web-1 d", {"db"}, {"web-2"}),
    ("endwell logs -f --tail 3 ", {"web-2"}, {"logs"}),
    ("endwell kill --signal HU", {"HUP"}, {"web-1"}),
    ("endwell exec --t", {"--tty"}, {"--user"}),
    ("endwell exec ", {"web-1"}, {"cat"}),
    ("endwell exec -it web-1 ech", {"echo"}, {"web-2"}),
    ("endwell exec db cat /etc/passw", {"/etc/passwd"}, {"web-2"}),
    ("endwell init --s", {"--stop-signal", "--subreaper"}, {"--grace"}),
    ("endwell init --to ", {"main", "group", "tree"}, set()),
    ("endwell init --grace 10s --wait ", {"main", "tree"}, {"group"}),
    ("endwell init --stop-signal QU", {"QUIT"}, {"TERM"}),
    ("endwell init --report /etc/passw", {"/etc/passwd"}, set()),
    ("endwell init --grace 10s ech", {"echo"}, {"--exit-map"}),
    ("endwell init --grace 10s -- ech", {"echo"}, set()),
    ("endwell init cat /etc/passw", {"/etc/passwd"}, {"init"}),
    ("endwell-init --subreaper ", {"auto", "never"}, set()),
    ("endwell-init cat /etc/passw", {"/etc/passwd"}, set()),
]
lines = pytest.mark.parametrize(("line", "proposed", "not_proposed"), LINES, ids=[line for line, *_ in LINES])


@pytest.fixture(autouse=True)
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endwell that knows three services, and nothing else."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "endwell").write_text(
        '#!/bin/sh\n[ "$*" = "ps -q" ] && printf "web-1\\nweb-2\\ndb\\n"\n'
    )
    (tmp_path / "bin" / "endwell").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"needs {shell}")


@pytest.mark.parametrize("shell", WRITERS)
def test_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (write(shell), "")
    assert "{{" not in out


def test_other_shells_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["completion", "csh"])
    assert end.value.code == 2
    assert "'csh'" in capsys.readouterr().err


@needs("bash")
@lines
def test_bash(line: str, proposed: set[str], not_proposed: set[str]) -> None:
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    code = f'{write("bash")}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _endwell; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", code, "bash", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert proposed <= set(done.stdout.split())
    assert not not_proposed & set(done.stdout.split())


@needs("bash")
@pytest.mark.parametrize(
    "words", [["endwell", "init", "--to", "=", "tr"], ["endwell-init", "--to", "=", "tr"]]
)
def test_bash_splits_at_the_equals_sign(words: list[str]) -> None:
    code = f'{write("bash")}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _endwell; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", code, "bash", *words], capture_output=True, text=True, check=True)
    assert done.stdout == "tree\n"


@needs("fish")
@lines
def test_fish(line: str, proposed: set[str], not_proposed: set[str], tmp_path: Path) -> None:
    code = f"{write('fish')}\ncomplete --do-complete {shlex.quote(line)}"
    home = os.environ | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["fish", "--no-config", "--command", code], capture_output=True, text=True, check=True, env=home
    )
    found = {one.split("\t")[0] for one in done.stdout.splitlines()}
    assert done.stderr == ""
    assert proposed <= found
    assert not not_proposed & found


class Zsh:
    """A zsh on a terminal of its own, which is the only place where it completes."""

    PROMPT = "@@"

    def __init__(self, home: Path) -> None:
        (home / "_endwell").write_text(write("zsh"))
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.environ.update(TERM="dumb", HOME=str(home), PS1=self.PROMPT)
            os.execvp("zsh", ["zsh", "-f", "-i"])  # noqa: S606 - no other shell in between
        self.pid = pid
        self.read()
        self.type(
            f"fpath=({home} $fpath); autoload -Uz compinit && compinit -u -d {home}/dump; LISTMAX=9999\n"
        )

    def type(self, text: str) -> str:
        """Type it; return what appears on the screen up to the next prompt."""
        os.write(self.terminal, text.encode())
        return self.read()

    def read(self) -> str:
        """Return what appears on the screen up to the next prompt."""
        screen = b""
        while self.PROMPT.encode() not in screen:
            assert select.select([self.terminal], [], [], 20)[0], f"no prompt: {screen!r}"
            screen += os.read(self.terminal, 65536)
        return screen.decode()

    def complete(self, line: str) -> str:
        """Type the line and Ctrl-D, which lists; return what appears on the screen before and after that."""
        shown = self.type(f"{line}\x04")
        self.type("\x15\n")
        return shown

    def close(self) -> None:
        """End it, and wait for that."""
        os.kill(self.pid, signal.SIGKILL)  # in the midst of a list it would not read `exit`
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


@needs("zsh")
def test_zsh(tmp_path: Path) -> None:
    zsh = Zsh(tmp_path)
    try:
        for line, proposed, not_proposed in LINES:
            screen = zsh.complete(line)
            shown = set(screen.replace("=", " ").split())
            names = {Path(word).name for word in proposed}
            assert names <= shown, (line, screen)
            assert not not_proposed & (shown - set(line.split())), (line, screen)
    finally:
        zsh.close()
