"""What is asked for, what the supervisor is asked, and what the client hears: method by method."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, ProtocolError

import pytest

from endwell.gateway.rpc import SUPERVISOR, SYSTEM
from tests.gateway.fake import Gateway, results, row

if TYPE_CHECKING:
    from pathlib import Path

OK = {"status": 80, "description": "OK"}


def fault(call: Any, *arguments: object) -> tuple[int, str]:  # noqa: ANN401  a method of a proxy
    with pytest.raises(Fault) as caught:
        call(*arguments)
    return caught.value.faultCode, caught.value.faultString


def three() -> list[dict[str, Any]]:
    """Two of a group, the second of which rests, and one that is its own group."""
    resting = row("two", "pair", state="STOPPED", code=0, pid=0)
    return [row("web"), row("one", "pair"), resting]


def test_general_ones() -> None:
    with Gateway(project={"identifier": "box", "pid": 12}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.getAPIVersion() == supervisor.getVersion() == "3.0"
        assert supervisor.getSupervisorVersion() == "4.2.5"
        assert supervisor.getIdentification() == "box"
        assert supervisor.getState() == {"statecode": 1, "statename": "RUNNING"}
        assert supervisor.getPID() == 12


@pytest.mark.parametrize("state", ["STOPPING", "RESTARTING"])
def test_while_everything_stops_there_is_one_answer_to_everything(state: str) -> None:
    with Gateway(three(), project={"state": state}, handlers={"remote-event": lambda _: {}}) as gateway:
        proxy = gateway.proxy
        arguments = {"string": "web", "int": 0, "boolean": True, "array": []}
        for name in proxy.system.listMethods():
            if name.startswith("system.") or name.endswith("sendRemoteCommEvent"):
                continue
            kinds = proxy.system.methodSignature(name)[1:]
            found = fault(getattr(proxy, name), *(arguments[kind] for kind in kinds))
            assert found == (6, "SHUTDOWN_STATE"), name
        assert proxy.supervisor.sendRemoteCommEvent("a", "b") is True


def test_start_and_stop_of_one() -> None:
    with Gateway(three(), handlers={"start": results, "stop": results}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.startProcess("pair:two") is True
        assert supervisor.stopProcess("web", 0) is True
        assert gateway.asked("start")[0]["services"] == ["pair:two"]
        assert gateway.asked("start")[0]["wait"] is True
        assert gateway.asked("stop")[0]["services"] == ["web:web"]
        assert gateway.asked("stop")[0]["wait"] is False


def test_start_and_stop_of_several_leave_out_those_with_whom_there_is_nothing_to_do() -> None:
    with Gateway(three(), handlers={"start": results, "stop": results}) as gateway:
        supervisor = gateway.proxy.supervisor
        two = {"name": "two", "group": "pair", **OK}
        one, web = {"name": "one", "group": "pair", **OK}, {"name": "web", "group": "web", **OK}
        assert supervisor.startProcessGroup("pair") == [two]
        assert supervisor.startProcess("pair:*") == [two]
        assert supervisor.startProcess("pair:") == [two]
        assert supervisor.startAllProcesses() == [two]
        assert supervisor.stopProcessGroup("pair") == [one]
        assert supervisor.stopProcess("pair:*") == [one]
        assert supervisor.stopAllProcesses() == [web, one]
        assert supervisor.startProcessGroup("web") == []


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("already-started", 60, "ALREADY_STARTED: web"),
        ("no-file", 20, "NO_FILE: can't find command 'cat'"),
        ("not-executable", 21, "NOT_EXECUTABLE: command at 'cat' is not executable"),
        ("spawn-error", 50, "SPAWN_ERROR: web"),
        ("refused", 50, "SPAWN_ERROR: web"),
        ("abnormal-termination", 40, "ABNORMAL_TERMINATION: web"),
        ("stopping", 6, "SHUTDOWN_STATE"),
        ("failed", 30, "FAILED: so it is"),
        ("unheard-of", 30, "FAILED: so it is"),
    ],
)
def test_a_start_that_fails(kind: str, code: int, text: str) -> None:
    resting = row("web", state="STOPPED", code=0)
    handlers = {"start": lambda value: results(value, ok=False, kind=kind, message="so it is")}
    with Gateway([resting], handlers=handlers) as gateway:
        supervisor = gateway.proxy.supervisor
        assert fault(supervisor.startProcess, "web") == (code, text)
        expected = {"name": "web", "group": "web", "status": code, "description": text}
        assert supervisor.startAllProcesses() == [expected]


@pytest.mark.parametrize(
    ("method", "arguments", "code", "text"),
    [
        ("startProcess", ("none",), 10, "BAD_NAME: none"),
        ("startProcess", ("pair:none",), 10, "BAD_NAME: pair:none"),
        ("startProcess", ("none:*",), 10, "BAD_NAME: none:*"),
        ("startProcessGroup", ("none",), 10, "BAD_NAME: none"),
        ("stopProcess", ("one",), 10, "BAD_NAME: one"),
        ("stopProcess", ("pair:two",), 70, "NOT_RUNNING: pair:two"),
        ("signalProcess", ("none", "HUP"), 10, "BAD_NAME: none"),
        ("signalProcess", ("web", "NONE"), 11, "BAD_SIGNAL: NONE"),
        ("signalProcess", ("pair:two", "NONE"), 11, "BAD_SIGNAL: NONE"),
        ("signalProcess", ("pair:two", "HUP"), 70, "NOT_RUNNING: pair:two"),
        ("getProcessInfo", ("pair:*",), 10, "BAD_NAME: pair:*"),
        ("readProcessLog", ("none", 0, 0), 10, "BAD_NAME: none"),
        ("startProcess", (), 2, "INCORRECT_PARAMETERS"),
        ("startProcess", ("web", True, 1), 2, "INCORRECT_PARAMETERS"),
        ("startProcess", (5,), 2, "INCORRECT_PARAMETERS"),
        ("readProcessLog", ("web", "x", 0), 2, "INCORRECT_PARAMETERS"),
        ("sendProcessStdin", ("web", 5), 2, "INCORRECT_PARAMETERS: 5"),
        ("getPID", (1,), 2, "INCORRECT_PARAMETERS"),
        ("nothing", (), 1, "UNKNOWN_METHOD"),
        ("_scene", (), 1, "UNKNOWN_METHOD"),
        ("getPID.real", (), 1, "UNKNOWN_METHOD"),
    ],
)
def test_what_is_wrong(method: str, arguments: tuple[object, ...], code: int, text: str) -> None:
    with Gateway(three()) as gateway:
        assert fault(getattr(gateway.proxy.supervisor, method), *arguments) == (code, text)


def test_signals() -> None:
    with Gateway(three(), handlers={"kill": results}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.signalProcess("web", "hup") is True
        assert supervisor.signalProcess("web", 10) is True
        assert supervisor.signalProcess("web", 0) is True
        one, web = {"name": "one", "group": "pair", **OK}, {"name": "web", "group": "web", **OK}
        assert supervisor.signalProcessGroup("pair", "SIGUSR2") == [one]
        assert supervisor.signalProcess("pair:*", "15") == [one]
        assert supervisor.signalAllProcesses("TERM") == [web, one]
        bad = {"status": 11, "description": "BAD_SIGNAL: x"}
        assert supervisor.signalProcessGroup("pair", "x") == [one | bad]
        assert [one["signal"] for one in gateway.asked("kill")] == [
            "SIGHUP",
            "SIGUSR1",
            "SIGUSR2",
            "SIGTERM",
            "SIGTERM",
        ]


def test_info() -> None:
    files: dict[str, Any] = {
        "stdout": {"path": "/x/out", "temporary": False},
        "stderr": {"path": "/x/err", "temporary": True},
    }
    rows = [
        row("web", **files),
        row(
            "ended", state="EXITED", code=100, pid=0, status=3, stopped=86400.0, spawn_error="Bad exit code 3"
        ),
        row("new", state="STOPPED", code=0, pid=0, started=0, stdout=files["stdout"]),
        row(
            "lost",
            state="FATAL",
            code=200,
            pid=0,
            spawn_error="cannot find cat: it is not on PATH (/bin); install it",
        ),
        row("odd", state="BACKOFF", code=30, pid=0),
        row("later", state="STOPPED", code=0, pid=0, started=0, waiting="it waits for web to be ready"),
        row("going", "a", state="STOPPING", code=40, started=2.0**40),
    ]
    programs = [{"group": "new", "name": "new", "stderr_logfile": "/dev/stderr"}]
    with Gateway(rows, handlers={"config": lambda _: {"programs": programs}}) as gateway:
        before = int(time.time())
        found = {one["name"]: one for one in gateway.proxy.supervisor.getAllProcessInfo()}
        assert list(found) == ["going", "ended", "later", "lost", "new", "odd", "web"]
        web = found["web"]
        assert before <= web.pop("now") <= time.time()
        assert web.pop("description").startswith("pid 4242, uptime ")
        assert web == {
            "name": "web",
            "group": "web",
            "start": 1000,
            "stop": 0,
            "state": 20,
            "statename": "RUNNING",
            "spawnerr": "",
            "exitstatus": 0,
            "logfile": "/x/out",
            "stdout_logfile": "/x/out",
            "stderr_logfile": "/x/err",
            "pid": 4242,
        }
        ended = found["ended"]
        assert (ended["exitstatus"], ended["spawnerr"]) == (3, "Bad exit code 3")
        assert ended["description"] == time.strftime("%b %d %I:%M %p", time.localtime(86400))
        assert found["new"]["description"] == "Not started"
        assert (found["new"]["stdout_logfile"], found["new"]["stderr_logfile"]) == ("/x/out", "/dev/stderr")
        assert found["lost"]["description"] == found["lost"]["spawnerr"] == "can't find command 'cat'"
        assert found["odd"]["description"] == 'unknown error (try "tail odd")'
        assert found["later"]["description"] == "it waits for web to be ready"
        assert (found["going"]["description"], found["going"]["start"]) == ("", 2**31 - 1)
        assert gateway.proxy.supervisor.getProcessInfo("a:going")["group"] == "a"


def test_logs_in_files(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"caf\xc3\xa9\x1b[0m\n")
    kept: dict[str, Any] = {
        "stdout": {"path": str(tmp_path / "out")},
        "stderr": {"path": str(tmp_path / "err")},
    }
    with Gateway([row("web", **kept)], project={"log": str(tmp_path / "out")}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.readProcessStdoutLog("web", 0, 0) == "café\ufffd[0m\n"
        assert supervisor.readProcessLog("web", -6, 0) == "\ufffd\ufffd[0m\n"
        assert supervisor.readLog(0, 3) == supervisor.readMainLog(0, 3) == "caf"
        assert supervisor.tailProcessStdoutLog("web", 0, 2) == ["m\n", 10, True]
        assert supervisor.tailProcessStderrLog("web", 7, 2) == ["", 0, False]
        assert fault(supervisor.readProcessStderrLog, "web", 0, 0) == (20, f"NO_FILE: {tmp_path}/err")
        assert fault(supervisor.readProcessStdoutLog, "web", -1, 1) == (3, "BAD_ARGUMENTS")


def shown(_: dict[str, Any]) -> dict[str, Any]:
    return {"programs": [{"name": "web", "group": "web", "stdout_logfile": "/dev/stdout"}]}


def test_logs_that_the_supervisor_keeps() -> None:
    with Gateway([row("web")], handlers={"logs": lambda _: None, "config": shown}) as gateway:

        def keep() -> None:
            (request,) = gateway.asked("logs")
            for stream, text in (("stdout", "one"), ("stderr", "no"), ("stdout", "two \udcff")):
                gateway.send({"id": request["id"], "more": {"stream": stream, "text": text}})
            gateway.send({"id": request["id"], "ok": {}})
            assert request["services"] == ["web:web"]
            gateway.requests.clear()

        supervisor = gateway.proxy.supervisor
        for call, arguments, expected in (
            (supervisor.readProcessStdoutLog, (-7, 0), "\ntwo \ufffd\n"),
            (supervisor.readProcessStdoutLog, (1, 2), "ne"),
            (supervisor.tailProcessStdoutLog, (0, 3), [" \ufffd\n", 10, True]),
        ):
            keeping = threading.Thread(target=keep)
            keeping.start()
            assert call("web", *arguments) == expected
            keeping.join()
        assert fault(supervisor.readLog, 0, 0) == (20, "NO_FILE")
        assert fault(supervisor.readProcessStderrLog, "web", 0, 0) == (20, "NO_FILE")
        assert supervisor.tailProcessStderrLog("web", 0, 1) == ["", 0, False]


def test_clearing() -> None:
    def clear(value: dict[str, Any]) -> dict[str, Any]:
        names = ["web:web", "pair:one", "pair:two"] if value["services"] == ["all"] else value["services"]
        found = results({"services": names})
        found["results"][-1].update(ok=len(names) == 1, kind="failed")
        return found

    with Gateway(three(), handlers={"clear-logs": clear}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.clearProcessLogs("web") is supervisor.clearProcessLog("pair:one") is True
        assert supervisor.clearAllProcessLogs() == [
            {"name": "web", "group": "web", **OK},
            {"name": "one", "group": "pair", **OK},
            {"name": "two", "group": "pair", "status": 30, "description": "FAILED: pair:two"},
        ]
        assert gateway.asked("clear-logs")[1]["services"] == ["pair:one"]


def test_the_other_requests() -> None:
    changes = {"added": ["a"], "changed": [], "removed": ["b", "c"]}
    nothing: dict[str, Any] = dict.fromkeys(
        ("shutdown", "restart-all", "add", "remove", "input", "remote-event"), lambda _: {}
    )
    with Gateway(three(), handlers={"reread": lambda _: changes, **nothing}) as gateway:
        supervisor = gateway.proxy.supervisor
        assert supervisor.reloadConfig() == [[["a"], [], ["b", "c"]]]
        assert supervisor.addProcessGroup("a") is supervisor.removeProcessGroup("b") is True
        assert supervisor.sendProcessStdin("web", "héllo\n") is True
        assert supervisor.sendProcessStdin("web", b"bytes") is True
        assert supervisor.sendRemoteCommEvent("kind", "text") is True
        assert supervisor.restart() is supervisor.shutdown() is True
        done = {one["do"]: one for one in gateway.requests}
        assert done["add"]["group"] == "a"
        assert done["input"] | {"id": 0} == {"id": 0, "do": "input", "service": "web:web", "text": "bytes"}
        assert done["remote-event"]["type"] == "kind"


@pytest.mark.parametrize(
    ("do", "method", "arguments", "kind", "expected"),
    [
        ("reread", "reloadConfig", (), "configuration", (92, "CANT_REREAD: so it is")),
        ("restart-all", "restart", (), "configuration", (92, "CANT_REREAD: so it is")),
        ("add", "addProcessGroup", ("a",), "bad-name", (10, "BAD_NAME: a")),
        ("add", "addProcessGroup", ("a",), "already-added", (90, "ALREADY_ADDED: a")),
        ("remove", "removeProcessGroup", ("a",), "still-running", (91, "STILL_RUNNING: a")),
        ("shutdown", "shutdown", (), "stopping", (6, "SHUTDOWN_STATE")),
        ("input", "sendProcessStdin", ("web", "x"), "not-running", (70, "NOT_RUNNING: web")),
        ("input", "sendProcessStdin", ("web", "x"), "no-stdin", (20, "NO_FILE: web")),
        ("input", "sendProcessStdin", ("web", "x"), "no-such-service", (10, "BAD_NAME: web")),
        ("clear-logs", "clearProcessLogs", ("web",), "failed", (30, "FAILED: so it is")),
        ("remote-event", "sendRemoteCommEvent", ("a", "b"), "failed", (30, "FAILED: so it is")),
    ],
)
def test_refusals(
    do: str, method: str, arguments: tuple[str, ...], kind: str, expected: tuple[int, str]
) -> None:
    with Gateway(three(), handlers={do: lambda _: (kind, "so it is")}) as gateway:
        assert fault(getattr(gateway.proxy.supervisor, method), *arguments) == expected


def test_what_the_file_says() -> None:
    program = {"name": "web", "group": "web", "inuse": True, "stdout_logfile": "auto", "autorestart": "auto"}
    other = {"name": "a", "group": "z", "inuse": False, "stdout_logfile": "auto", "uid": None}
    rows = [row("web", stdout={"path": "/x/web.log"})]
    with Gateway(rows, handlers={"config": lambda _: {"programs": [program, other]}}) as gateway:
        first, second = gateway.proxy.supervisor.getAllConfigInfo()
        assert len(first) == len(second) == 29
        assert (first["name"], first["stdout_logfile"], first["uid"]) == ("a", "auto", "none")
        assert (second["stdout_logfile"], second["inuse"]) == ("/x/web.log", True)


def test_several_in_one() -> None:
    with Gateway(three()) as gateway:
        calls: list[object] = [
            {"methodName": "supervisor.getPID"},
            {"methodName": "supervisor.getProcessInfo", "params": ["none"]},
            {"methodName": "system.multicall", "params": [[]]},
            {"params": []},
            {"methodName": "supervisor.none", "params": []},
            {"methodName": "supervisor.getPID", "params": [1]},
            5,
            {"methodName": "supervisor.getPID", "params": "x"},
        ]
        found = gateway.proxy.system.multicall(calls)
        assert found[0] == 77
        codes = [one["faultCode"] for one in found[1:]]
        assert codes == [10, 2, 2, 1, 2, 2, 2]
        assert found[2]["faultString"] == "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"


def test_all_methods_say_what_they_are() -> None:
    with Gateway() as gateway:
        proxy = gateway.proxy
        names = proxy.system.listMethods()
        assert names == sorted(
            [f"supervisor.{one}" for one in SUPERVISOR] + [f"system.{one}" for one in SYSTEM]
        )
        for name in names:
            signature = proxy.system.methodSignature(name)
            said = proxy.system.methodHelp(name)
            assert said.count("@param") == len(signature) - 1
            assert f"@return {signature[0]} " in said
        assert fault(proxy.system.methodHelp, "supervisor.none") == (4, "SIGNATURE_UNSUPPORTED")


def test_without_the_interface_there_is_only_system() -> None:
    with Gateway(interfaces=()) as gateway:
        assert all(name.startswith("system.") for name in gateway.proxy.system.listMethods())
        assert fault(gateway.proxy.supervisor.getPID) == (1, "UNKNOWN_METHOD")


def test_a_mistake_of_ours_is_told_and_survived() -> None:
    with Gateway([{"process": "odd"}]) as gateway:
        with pytest.raises(ProtocolError) as caught:
            gateway.proxy.supervisor.getAllProcessInfo()
        assert caught.value.errcode == 500
        assert "a mistake of endwell's own" in gateway.errors.read_text()
        assert gateway.proxy.supervisor.getPID() == 77
