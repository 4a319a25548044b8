"""`endwell up` as a container's first process: it runs under endwell-init, and everything else is as ever."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endwell.system.tree import children_of
from tests.supervise.controlling import Controlled
from tests.supervise.under_init import NAMESPACE, below, command
from tests.supervise.upping import DEAF, SOURCES, STOP, Up, program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root

NOBODY = 65534
TINI = shutil.which("tini")


def as_first(directory: Path, text: str, *arguments: str, prefix: tuple[str, ...] = ()) -> Up:
    """Return a supervisor that was started as PID 1, perhaps by way of another program."""
    return Up(directory, text, *arguments, prefix=(*NAMESPACE, *prefix), endwell=command())


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def test_the_first_process_is_the_init_and_the_second_the_supervisor(tmp_path: Path) -> None:
    with as_first(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web", "web is running, pid 3")
        init = below(up.process.pid)
        supervisor = below(init)
        assert name_of(init) == "endwell-init"
        (web,) = children_of(supervisor)
        assert "ENDWELL_UNDER_INIT" not in Path(f"/proc/{web}/environ").read_text()
        assert not any("memfd" in str(entry.readlink()) for entry in Path(f"/proc/{web}/fd").iterdir())
        for number in (0, 1, 2):
            own, first = (Path(f"/proc/{pid}/fd/{number}").readlink() for pid in (supervisor, init))
            assert own == first
        os.kill(init, signal.SIGTERM)
        assert up.wait() == 0
        assert up.out[-1] == "bye"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_each_service_is_told_once_by_the_supervisor(tmp_path: Path, number: int) -> None:
    script = f"trap 'echo term' TERM; trap 'echo quit; exit 0' QUIT; {STOP.partition('TERM; ')[2]}"
    with as_first(tmp_path, program("web", script, "stopsignal=QUIT")) as up:
        up.wait_for("up web", "web is running")
        os.kill(below(up.process.pid), number)
        assert up.wait() == 0
        assert up.out == ["up web", "quit"]
        assert up.report["stop"]["reason"] == signal.Signals(number).name
        assert up.report["grace"]["given"] == 10.0


def test_the_grace_is_the_one_that_was_written_and_not_what_the_init_leaves_of_it(tmp_path: Path) -> None:
    project = '[services.web]\ncommand = "sleep 1000"\n'
    more = {"prefix": NAMESPACE, "endwell": command(), "name": "endwell.toml"}
    with Controlled(tmp_path, project, **more) as up:
        up.wait_for("web is running, pid 3")
        for written, budget in ((10.0, 9.2), (5.0, 4.5)):
            with up.talk() as talk:
                said = talk.ask("plan")["stop"]
                assert (talk.ask("ps")["project"]["grace"], said["grace"]) == (written, written)
                assert said["budget"] == pytest.approx(budget)
                up.write(f'[stop]\ngrace = "5s"\n{project}')
                talk.ask("reload")
        os.kill(below(up.process.pid), signal.SIGTERM)
        assert up.wait() == 0
        assert up.report["grace"]["given"] == 5.0


def test_the_status_of_a_service_is_the_container_s(tmp_path: Path) -> None:
    with as_first(tmp_path, program("job", "exit 7", "autorestart=false"), "--exit-code-from", "job") as up:
        assert up.wait() == 7


def test_who_had_to_be_killed_is_named_within_the_grace(tmp_path: Path) -> None:
    with as_first(tmp_path, program("deaf", DEAF, "stopwaitsecs=60"), "--grace", "2s") as up:
        up.wait_for("up deaf", "deaf is running")
        os.kill(below(up.process.pid), signal.SIGTERM)
        assert up.wait() == 124
        assert any(line.startswith("endwell: deaf had to be killed") for line in up.err)
        assert up.report["services"][0]["killed"] is not None
        assert not any("endwell-init" in line for line in up.err)


def test_a_second_signal_hurries_and_the_third_kills(tmp_path: Path) -> None:
    needed = program("needed", DEAF, "stopwaitsecs=60")
    deaf = program("deaf", DEAF, "endwell_after=needed", "stopwaitsecs=60")
    with as_first(tmp_path, needed + deaf, "--grace", "5m") as up:
        up.wait_for("up deaf", "up needed", "deaf is running")
        init = below(up.process.pid)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            os.kill(init, number)
        assert up.wait() == 124


def test_other_signals_reach_the_supervisor(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with as_first(tmp_path, program("web", STOP).replace("/dev/stdout", str(log))) as up:
        up.wait_for("web is running")
        log.rename(tmp_path / "old.log")
        os.kill(below(up.process.pid), signal.SIGUSR2)
        os.kill(below(up.process.pid), signal.SIGHUP)  # of a supervisord.conf: everything is started anew
        up.wait_until(lambda: sum("web is running" in line for line in up.err) == 2)
        os.kill(below(up.process.pid), signal.SIGTERM)
        assert up.wait() == 0
        assert "bye" in log.read_text()


def test_who_was_brought_in_from_outside_is_told_too(tmp_path: Path) -> None:
    with as_first(tmp_path, program("web", STOP)) as up:
        up.wait_for("up web", "web is running")
        init = below(up.process.pid)
        # As docker exec does: its parent is not in the namespace.
        enter = ["nsenter", f"--pid=/proc/{init}/ns/pid", "sh", "-c", "exec 8<>never; echo in; read line <&8"]
        with subprocess.Popen(enter, stdout=subprocess.PIPE, cwd=tmp_path) as guest:
            assert guest.stdout is not None
            assert guest.stdout.readline() == b"in\n"
            os.kill(init, signal.SIGTERM)
            assert up.wait() == 0
            assert guest.wait() == -signal.SIGTERM


def test_a_file_that_cannot_be_used_ends_it_before_there_is_an_init(tmp_path: Path) -> None:
    with as_first(tmp_path, "[program:x]\n") as up:
        assert up.wait() == 2
        assert any("supervisord.conf" in line for line in up.err)
        assert not any("Traceback" in line for line in up.err)


def test_a_warning_is_said_once(tmp_path: Path) -> None:
    with as_first(tmp_path, program("web", STOP, "no_such_option=1")) as up:
        up.wait_for("up web", "web is running")
        os.kill(below(up.process.pid), signal.SIGTERM)
        up.wait()
        assert sum("no_such_option" in line for line in up.err) == 1


def test_without_an_init_if_so_wished(tmp_path: Path) -> None:
    with as_first(tmp_path, program("web", STOP), "--no-init") as up:
        up.wait_for("up web", "web is running, pid 2")
        first = below(up.process.pid)
        assert name_of(first) != "endwell-init"
        os.kill(first, signal.SIGTERM)
        assert up.wait() == 0


@pytest.mark.skipif(TINI is None, reason="needs tini")
def test_under_tini_it_runs_as_it_is(tmp_path: Path) -> None:
    with as_first(tmp_path, program("web", STOP), prefix=(str(TINI), "--")) as up:
        up.wait_for("up web", "web is running, pid 3")
        first = below(up.process.pid)
        assert name_of(first) == "tini"
        os.kill(first, signal.SIGTERM)
        assert up.wait() == 0
        assert up.out[-1] == "bye"


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a directory that everybody may enter and write to."""
    path = Path(tempfile.mkdtemp(prefix="endwell-up-"))
    path.chmod(0o777)
    mask = os.umask(0)  # what is made in there is for everybody, too
    yield path
    os.umask(mask)
    shutil.rmtree(path)


READ_ONLY = ("sh", "-c", 'mount --make-rprivate / && mount -o remount,bind,ro / && exec "$0" "$@"')
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
PREFIXES = {
    "non-root": AS_NOBODY,
    "read-only": READ_ONLY,
    "non-root and read-only": (*READ_ONLY, *AS_NOBODY),
}


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "supervisor killed"])
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=list(PREFIXES))
def test_in_a_bare_container(open_directory: Path, prefix: tuple[str, ...], killed: bool) -> None:  # noqa: FBT001
    app = program("app", STOP.replace("bye", "bye app"), "endwell_after=db")
    services = program("db", STOP.replace("bye", "bye db")) + app
    endwell = command("/usr/bin/python3")  # ours may be in somebody's home
    with Up(open_directory, services, prefix=(*NAMESPACE, *prefix), endwell=endwell) as up:
        up.wait_for("up db", "up app", "app is running")
        init = below(up.process.pid)
        assert name_of(init) == "endwell-init"
        os.kill(below(init) if killed else init, signal.SIGKILL if killed else signal.SIGTERM)
        assert up.wait() == (137 if killed else 0)
        assert up.out[-2:] == ["bye app", "bye db"]
        assert "2 of 2 services ended by themselves" in "\n".join(up.err)


def test_the_sources_are_those_under_test() -> None:
    found = subprocess.run(
        [*command()[:1], "-c", "import endwell; print(endwell.__file__)"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(found.strip()).is_relative_to(SOURCES)


def test_a_descriptor_of_somebody_else_s_is_left_alone(tmp_path: Path) -> None:
    taken = ("sh", "-c", 'exec 3>kept; exec "$0" "$@"')
    with as_first(tmp_path, program("web", STOP), prefix=taken) as up:
        up.wait_for("up web", "web is running")
        init = below(up.process.pid)
        os.kill(below(init), signal.SIGKILL)
        assert up.wait() == 137
        assert any("cannot keep a plan, descriptor 3 is in use" in line for line in up.err)
