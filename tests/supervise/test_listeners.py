"""Event listeners as real processes: what they are told, and what they cannot do to others."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.compat.conftest import missing
from tests.supervise.controlling import Controlled
from tests.supervise.upping import DEAF, STOP, Up, program

GUEST = Path(__file__).parent / "guests" / "listen.py"
PYTHON = "/usr/bin/python3"
PACKAGES = Path("/usr/lib/python3/dist-packages/supervisor")


def listener(name: str, events: str, words: str, *options: str) -> str:
    """Write the section of a listener; what it says on stderr is on the container's stdout."""
    lines = "\n".join(options)
    return (
        f"[eventlistener:{name}]\ncommand={sys.executable} {GUEST} {words}\nevents={events}\n"
        f"stdout_logfile=NONE\nstderr_logfile=/dev/stdout\nstderr_logfile_maxbytes=0\n{lines}\n"
    )


def told(up: Up, event: str = "", how: str = "tell") -> list[str]:
    """Return what a listener was told of one event, or of all."""
    found = [line.removeprefix(f"{how} told ") for line in up.out if line.startswith(f"{how} told {event}")]
    return [re.sub(r"pid:[1-9]\d*", "pid:N", line) for line in found]


def about(up: Up, name: str) -> list[str]:
    """Return the changes of state of a process, without their common words."""
    words = f"processname:{name} groupname:{name} "
    return [
        line.replace("PROCESS_STATE_", "").replace(f"'{words}", "").rstrip("'")
        for line in told(up, "PROCESS_STATE")
        if words in line
    ]


def test_it_is_told_of_every_change_of_state(tmp_path: Path) -> None:
    crash = program("crash", "exit 3", "startsecs=1", "startretries=1")
    web = program("web", STOP, "startsecs=0")
    with Up(tmp_path, listener("l", "PROCESS_STATE", "tell", "buffer_size=100") + crash + web) as up:
        up.wait_until(lambda: any("FATAL" in line for line in about(up, "crash")))
        up.wait_for("up web")
        assert about(up, "crash") == [
            "STARTING from_state:STOPPED tries:0",
            "BACKOFF from_state:STARTING tries:1",
            "STARTING from_state:BACKOFF tries:1",
            "BACKOFF from_state:STARTING tries:2",
            "FATAL from_state:BACKOFF",
        ]
        assert up.stop() == 0
        # Whoever listens is stopped last, so it hears of the end of all others.
        assert about(up, "web") == [
            "STARTING from_state:STOPPED tries:0",
            "RUNNING from_state:STARTING pid:N",
            "STOPPING from_state:RUNNING pid:N",
            "STOPPED from_state:STOPPING pid:N",
        ]


def test_it_is_told_how_somebody_has_ended(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_STATE_EXITED", "tell") + program("good", "exit 0", "autorestart=false")
    text += program("bad", "exit 3", "autorestart=false") + program("shot", "kill -9 $$", "autorestart=false")
    with Up(tmp_path, text) as up:
        up.wait_until(lambda: len(told(up)) == 3)
        assert sorted(told(up)) == [
            f"PROCESS_STATE_EXITED 'processname:{name} groupname:{name} from_state:RUNNING"
            f" expected:{expected} pid:N'"
            for name, expected in (("bad", 0), ("good", 1), ("shot", 0))
        ]


def test_it_is_told_of_groups_and_of_the_supervisor(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_GROUP,SUPERVISOR_STATE_CHANGE", "tell") + program("web", STOP)
    with Up(tmp_path, text) as up:
        up.wait_until(lambda: len(told(up)) == 3)
        assert up.stop() == 0
        assert told(up) == [
            "PROCESS_GROUP_ADDED 'groupname:l\\n'",
            "PROCESS_GROUP_ADDED 'groupname:web\\n'",
            "SUPERVISOR_STATE_CHANGE_RUNNING ''",
            "SUPERVISOR_STATE_CHANGE_STOPPING ''",
        ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_one_that_kills_its_parent_ends_the_container_well(tmp_path: Path, number: signal.Signals) -> None:
    text = listener("quit", "PROCESS_STATE_EXITED,PROCESS_STATE_FATAL", f"kill {number.name}")
    text += program("web", STOP) + program("job", "read line <go; exit 3", "autorestart=false")
    os.mkfifo(tmp_path / "go")
    with Up(tmp_path, text) as up:
        up.wait_for("up web", "quit is running")
        (tmp_path / "go").write_text("\n")
        assert up.wait() == 0
        assert "bye" in up.out
        assert up.report["stop"]["reason"] == number.name


def test_the_shell_script_that_everybody_copies(tmp_path: Path) -> None:
    script = tmp_path / "kill.sh"
    script.write_text(
        'printf "READY\\n"\nwhile read line; do\n  echo "Processing Event: $line" >&2\n'
        "  kill -3 $PPID\ndone < /dev/stdin\n"
    )
    text = (
        f"[eventlistener:processes]\ncommand=bash {script}\n"
        "events=PROCESS_STATE_STOPPED,PROCESS_STATE_EXITED,PROCESS_STATE_FATAL\n"
        "stderr_logfile=/dev/stdout\n"
    )
    with Up(tmp_path, text + program("web", STOP) + program("job", "exit 1", "autorestart=false")) as up:
        assert up.wait() == 0
        assert up.report["stop"]["reason"] == "SIGQUIT"
        assert any("eventname:PROCESS_STATE_EXITED" in line for line in up.out)


@pytest.mark.parametrize("how", ["hang", "deaf", "chat", "flood"])
def test_one_that_does_no_good_harms_nobody(tmp_path: Path, how: str) -> None:
    busy = program("busy", "echo b; exec sleep 0.01", "autorestart=true")
    text = listener("l", "EVENT", how, "stopwaitsecs=1") + program("web", STOP) + busy
    with Up(tmp_path, text) as up:
        up.wait_for("up web", "the listeners of l are behind")
        up.wait_until(lambda: up.out.count("b") > 6)
        assert up.stop() == 0
        assert "bye" in up.out
        if how in {"chat", "flood"}:
            assert len([line for line in up.err if "it is told no more events" in line]) == 1


def test_one_that_does_not_end_is_killed_in_its_time(tmp_path: Path) -> None:
    text = f'[eventlistener:l]\ncommand=sh -c "{DEAF.replace("%", "%%")}"\nevents=TICK_3600\nstopwaitsecs=1\n'
    text += "stdout_logfile=NONE\nredirect_stderr=false\n"
    with Up(tmp_path, text + program("web", STOP)) as up:
        up.wait_for("up web", "l wrote")
        assert up.stop() == 124
        assert up.service("l")["told"] >= up.service("web")["ended"]


def test_what_it_rejects_it_is_told_again(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_STATE_EXITED", "reject 3") + program("job", "exit 0", "autorestart=false")
    with Up(tmp_path, text) as up:
        up.wait_until(lambda: len(told(up, how="reject")) == 4)
        assert len(set(told(up, how="reject"))) == 1
        assert any("l has not done what event 0 (PROCESS_STATE_EXITED) is for" in line for line in up.err)


def test_what_it_has_not_done_when_it_dies_is_told_to_the_next(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_STATE_EXITED", f"die {tmp_path}/died", "startsecs=0", "autorestart=true")
    job = program("job", "exit 0", "autorestart=false")
    with Up(tmp_path, text + job) as up:
        up.wait_until(lambda: len([line for line in told(up, how="die") if "job" in line]) == 2)


def test_of_two_in_a_pool_one_is_told(tmp_path: Path) -> None:
    pool = listener("l", "PROCESS_STATE_EXITED", "tell", "numprocs=2", "process_name=l%(process_num)s")
    jobs = "".join(program(f"job{n}", "exit 0", "autorestart=false") for n in range(8))
    with Up(tmp_path, pool + jobs) as up:
        up.wait_until(lambda: len(told(up)) == 8)
        assert up.stop() == 0
        assert len(set(told(up))) == 8


def test_events_wait_until_somebody_is_ready_and_the_oldest_are_dropped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    text = listener("l", "PROCESS_STATE_EXITED", "late", "buffer_size=2")
    text += "".join(program(f"job{n}", "exit 0", "autorestart=false") for n in range(4))
    with Up(tmp_path, text) as up:
        up.wait_for("the listeners of l are behind: event 1 (PROCESS_STATE_EXITED) was dropped, 2 so far")
        (tmp_path / "go").write_text("\n")
        up.wait_until(lambda: len(told(up, how="late")) == 2)


def test_it_is_told_what_others_write(tmp_path: Path) -> None:
    talk = "printf 'caf\\303\\251\\n'; echo oops >&2; printf '\\033[1mbold\\033[0m\\n'; read x < never"
    # Its file, as a shell would have to be told four times what is to be quoted.
    (tmp_path / "talk").write_text(talk)
    text = listener("l", "PROCESS_LOG", "tell", "buffer_size=100")
    text += (
        "[program:talk]\ncommand=sh talk\nstdout_logfile=NONE\nstderr_logfile=NONE\n"
        "stdout_events_enabled=true\nstderr_events_enabled=true\n"
    )
    with Up(tmp_path, text, settings="strip_ansi=true") as up:
        up.wait_until(lambda: "bold" in "".join(told(up)) and "oops" in "".join(told(up)))
        head = "processname:talk groupname:talk pid:N channel:"
        assert f"PROCESS_LOG_STDERR '{head}stderr\\noops\\n'" in told(up)
        texts = [line.split("stdout\\n", 1)[1].rstrip("'") for line in told(up, "PROCESS_LOG_STDOUT")]
        assert "".join(texts) == "café\\nbold\\n"


def test_it_is_told_messages_and_they_are_not_logged(tmp_path: Path) -> None:
    begin, end = "<!--XSUPERVISOR:BEGIN-->", "<!--XSUPERVISOR:END-->"
    # In pieces: each printf is a write of its own.
    words = (f"before {begin[:9]}", begin[9:], "a message", end[:20], f"{end[20:]} after\\n", f"{begin}no")
    (tmp_path / "talk").write_text("".join(f"printf %b '{one}'\n" for one in words))
    text = listener("l", "PROCESS_COMMUNICATION", "tell")
    text += program("talk", "exec sh talk", "stdout_capture_maxbytes=1MB", "autorestart=false")
    with Up(tmp_path, text) as up:
        up.wait_for("before  after", "no")
        up.wait_until(lambda: bool(told(up)))
        assert told(up) == [
            "PROCESS_COMMUNICATION_STDOUT 'processname:talk groupname:talk pid:N\\na message'"
        ]


def test_the_real_library_for_listeners(tmp_path: Path) -> None:
    if not PACKAGES.is_dir() or not Path(PYTHON).exists():
        missing("supervisor is not installed: `apt-get install supervisor`")
    mail = tmp_path / "mail.py"
    mail.write_text(
        """\
import sys
from supervisor import childutils

while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    if headers["eventname"] == "PROCESS_STATE_EXITED":
        pheaders, pdata = childutils.eventdata(payload + "\\n")
        if not int(pheaders["expected"]):
            sys.stderr.write("mail: %(processname)s in group %(groupname)s exited unexpectedly\\n" % pheaders)
            sys.stderr.flush()
    childutils.listener.ok(sys.stdout)
"""
    )
    text = (
        f"[eventlistener:mail]\ncommand={PYTHON} {mail}\nevents=PROCESS_STATE,PROCESS_LOG\nbuffer_size=100\n"
    )
    text += "stderr_logfile=/dev/stdout\n"
    text += program("good", "exit 0", "autorestart=false") + program("bad", "exit 3", "autorestart=false")
    with Up(tmp_path, text + program("web", STOP)) as up:
        up.wait_for("up web", "mail: bad in group bad exited unexpectedly")
        assert up.stop() == 0
        assert not [line for line in up.out if "good" in line]


def test_a_client_may_send_a_message_and_stop_somebody(tmp_path: Path) -> None:
    text = listener("l", "REMOTE_COMMUNICATION,PROCESS_STATE_STOPPED", "tell") + program("web", STOP)
    with Controlled(tmp_path, text) as up, up.talk() as talk:
        up.wait_for("up web")
        assert talk.ask("remote-event", type="greeting", data="hello") == {}
        up.wait_until(lambda: len(told(up)) == 1)
        assert talk.results("stop", "web") == {"web": ""}
        up.wait_until(lambda: len(told(up)) == 2)
        assert told(up) == [
            "REMOTE_COMMUNICATION 'type:greeting\\nhello'",
            "PROCESS_STATE_STOPPED 'processname:web groupname:web from_state:STOPPING pid:N'",
        ]


def test_groups_that_come_and_go(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_GROUP", "tell") + program("web", STOP)
    with Controlled(tmp_path, text) as up, up.talk() as talk:
        up.wait_for("up web", "l is running")
        pid = talk.rows("l")["l"]["pid"]
        assert talk.results("stop", "web") == {"web": ""}
        assert talk.ask("remove", group="web") == {}
        up.path.write_text(up.path.read_text() + program("late", STOP))
        talk.ask("reread")
        assert talk.ask("add", group="late") == {}
        up.wait_until(lambda: len(told(up)) == 4)
        assert told(up)[2:] == [
            "PROCESS_GROUP_REMOVED 'groupname:web\\n'",
            "PROCESS_GROUP_ADDED 'groupname:late\\n'",
        ]
        assert talk.rows("l")["l"]["pid"] == pid


def test_one_that_comes_with_a_reload_is_told_from_then_on(tmp_path: Path) -> None:
    with Controlled(tmp_path, program("web", STOP)) as up, up.talk() as talk:
        up.wait_for("up web")
        more = listener("l", "PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE", "tell")
        up.path.write_text(up.path.read_text() + more)
        talk.ask("reload")
        up.wait_for("l is running")
        assert talk.results("stop", "web") == {"web": ""}
        up.wait_until(lambda: len(about(up, "web")) == 2)
        assert about(up, "web")[1] == "STOPPED from_state:STOPPING pid:N"
        assert told(up)[0] == "PROCESS_GROUP_ADDED 'groupname:l\\n'"
        assert not told(up, "SUPERVISOR_STATE_CHANGE")


def test_the_container_does_not_stay_for_those_who_listen(tmp_path: Path) -> None:
    text = listener("l", "PROCESS_STATE", "tell") + program("job", "exit 0", "autorestart=false")
    with Up(tmp_path, text, settings="endwell_exit_when=all-exit") as up:
        assert up.wait() == 0
        assert about(up, "job")[-1] == "EXITED from_state:RUNNING expected:1 pid:N"
