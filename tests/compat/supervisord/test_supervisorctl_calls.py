"""Every method of the remote interface, called alike on the real supervisord and on us: structs and faults.

What is no number, time or process number has to be the same, key by key.
"""

from __future__ import annotations

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

import pytest

from endwell.gateway.rpc import SUPERVISOR, SYSTEM
from tests.compat.supervisord.clients import HEAD, MORE, PROGRAMS, SERVER
from tests.compat.supervisord.servers import REAL, STARTED, Server, mask
from tests.gateway.fake import Unix, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow

AUTHORIZATION = "Basic " + base64.b64encode(b"kim:secret").decode()
# A file as it is now, told to both sides before the calls that follow.
WRITE = "write"

CALLS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("system.listMethods", ()),
    *(("system.methodSignature", (f"supervisor.{name}",)) for name in SUPERVISOR),
    *(("system.methodSignature", (f"system.{name}",)) for name in SYSTEM),
    ("system.methodHelp", ("nothing",)),
    ("system.methodHelp", ()),
    ("system.methodSignature", ("supervisor",)),
    ("supervisor.getAPIVersion", ()),
    ("supervisor.getVersion", ()),
    ("supervisor.getSupervisorVersion", ()),
    ("supervisor.getIdentification", ()),
    ("supervisor.getState", ()),
    ("supervisor.getPID", ()),
    ("supervisor.getPID", (1,)),
    ("supervisor.nothing", ()),
    ("supervisor._update", ("x",)),
    ("supervisor.supervisord.options", ()),
    ("supervisor", ()),
    ("nothing.getPID", ()),
    ("supervisor.getAllProcessInfo", ()),
    ("supervisor.getProcessInfo", ("cat",)),
    ("supervisor.getProcessInfo", ("g:b_0",)),
    ("supervisor.getProcessInfo", ("g:*",)),
    ("supervisor.getProcessInfo", ("g",)),
    ("supervisor.getProcessInfo", ("b_0",)),
    ("supervisor.getProcessInfo", ()),
    ("supervisor.getAllConfigInfo", ()),
    ("supervisor.startProcess", ("cat",)),
    ("supervisor.startProcess", ("off",)),
    ("supervisor.startProcess", ("slow", False)),
    ("supervisor.startProcess", ("nope",)),
    ("supervisor.startProcess", ("nope:*",)),
    ("supervisor.startProcess", ("g:nope",)),
    ("supervisor.startProcess", ("nofile",)),
    ("supervisor.startProcess", ("nopath",)),
    ("supervisor.startProcess", ("noexec",)),
    ("supervisor.startProcess", ("nodir",)),
    ("supervisor.startProcess", ("cat", True, 1)),
    ("supervisor.startProcess", ()),
    ("supervisor.startProcess", ("ends",)),
    ("supervisor.startProcessGroup", ("nope",)),
    ("supervisor.startProcessGroup", ("cat",)),
    ("supervisor.startProcessGroup", ("g",)),
    ("supervisor.startProcess", ("g:*",)),
    ("supervisor.stopProcess", ("off",)),
    ("supervisor.stopProcess", ("off",)),
    ("supervisor.stopProcess", ("nope",)),
    ("supervisor.stopProcess", ("g:*",)),
    ("supervisor.stopProcess", ("g:*",)),
    ("supervisor.stopProcessGroup", ("nope",)),
    ("supervisor.stopProcessGroup", ("g",)),
    ("supervisor.getProcessInfo", ("off",)),
    ("supervisor.signalProcess", ("cat", "CONT")),
    ("supervisor.signalProcess", ("cat", 18)),
    ("supervisor.signalProcess", ("cat", "0")),
    ("supervisor.signalProcess", ("cat", "BOGUS")),
    ("supervisor.signalProcess", ("cat", "-1")),
    ("supervisor.signalProcess", ("off", "BOGUS")),
    ("supervisor.signalProcess", ("off", "CONT")),
    ("supervisor.signalProcess", ("nope", "CONT")),
    ("supervisor.signalProcess", ("g:*", "CONT")),
    ("supervisor.signalProcessGroup", ("nope", "CONT")),
    ("supervisor.signalProcessGroup", ("cat", "BOGUS")),
    ("supervisor.signalProcessGroup", ("cat", "SIGCONT")),
    ("supervisor.signalAllProcesses", ("BOGUS",)),
    ("supervisor.signalAllProcesses", ("CONT",)),
    ("supervisor.sendProcessStdin", ("ends", "go\n")),
    ("supervisor.sendProcessStdin", ("cat", "grüße\n")),
    ("supervisor.sendProcessStdin", ("cat", 5)),
    ("supervisor.sendProcessStdin", ("off", "x")),
    ("supervisor.sendProcessStdin", ("nope", "x")),
    ("supervisor.sendProcessStdin", ("g:*", "x")),
    ("supervisor.readProcessStdoutLog", ("talk", 0, 0)),
    ("supervisor.readProcessStdoutLog", ("talk", -5, 0)),
    ("supervisor.readProcessStdoutLog", ("talk", 2, 3)),
    ("supervisor.readProcessStdoutLog", ("talk", -5, 3)),
    ("supervisor.readProcessStdoutLog", ("talk", 0, -3)),
    ("supervisor.readProcessStdoutLog", ("mute", 0, 0)),
    ("supervisor.readProcessStdoutLog", ("nope", 0, 0)),
    ("supervisor.readProcessStdoutLog", ("g:*", 0, 0)),
    ("supervisor.readProcessStdoutLog", ("talk",)),
    ("supervisor.readProcessLog", ("joined", 0, 0)),
    ("supervisor.readProcessStderrLog", ("talk", 0, 0)),
    ("supervisor.readProcessStderrLog", ("joined", 0, 0)),
    ("supervisor.readProcessStderrLog", ("mute", 0, 0)),
    ("supervisor.tailProcessStdoutLog", ("talk", 0, 5)),
    ("supervisor.tailProcessStdoutLog", ("talk", 0, 100)),
    ("supervisor.tailProcessStdoutLog", ("talk", 100, 5)),
    ("supervisor.tailProcessStdoutLog", ("mute", 0, 5)),
    ("supervisor.tailProcessStdoutLog", ("nope", 0, 5)),
    ("supervisor.tailProcessLog", ("joined", 0, 5)),
    ("supervisor.tailProcessStderrLog", ("talk", 0, 5)),
    ("supervisor.readLog", (-5, 3)),
    ("supervisor.readMainLog", (0, -1)),
    ("supervisor.clearLog", ()),
    ("supervisor.readLog", (0, 0)),
    ("supervisor.clearProcessLogs", ("talk",)),
    ("supervisor.readProcessStdoutLog", ("talk", 0, 0)),
    ("supervisor.clearProcessLog", ("mute",)),
    ("supervisor.clearProcessLogs", ("nope",)),
    ("supervisor.clearProcessLogs", ("g:*",)),
    ("supervisor.clearAllProcessLogs", ()),
    ("supervisor.sendRemoteCommEvent", ("kind", "text")),
    ("supervisor.sendRemoteCommEvent", ("kind",)),
    ("supervisor.reloadConfig", ()),
    ("supervisor.addProcessGroup", ("fresh",)),
    ("supervisor.addProcessGroup", ("cat",)),
    (WRITE, (PROGRAMS + MORE,)),
    ("supervisor.reloadConfig", ()),
    ("supervisor.addProcessGroup", ("later",)),
    ("supervisor.addProcessGroup", ("later",)),
    ("supervisor.getProcessInfo", ("later",)),
    ("supervisor.removeProcessGroup", ("nope",)),
    ("supervisor.removeProcessGroup", ("cat",)),
    ("supervisor.removeProcessGroup", ("later",)),
    ("supervisor.getProcessInfo", ("later",)),
    (WRITE, (PROGRAMS.replace("[program:mute]\n", "[program:mute]\nstartretries=8\n"),)),
    ("supervisor.reloadConfig", ()),
    (WRITE, (PROGRAMS,)),
    ("supervisor.reloadConfig", ()),
    ("system.multicall", ([{"methodName": "supervisor.getState", "params": []}, {"methodName": "x"}],)),
    ("system.multicall", ([{"methodName": "supervisor.startProcess", "params": ["off"]}] * 2,)),
    ("system.multicall", ([{"methodName": "system.multicall", "params": [[]]}, {"params": []}],)),
    ("system.multicall", ([],)),
    ("system.multicall", ()),
    ("supervisor.stopAllProcesses", ()),
    ("supervisor.startAllProcesses", ()),
    ("supervisor.getAllProcessInfo", ()),
    ("supervisor.shutdown", ()),
)

NOT_TRIED = {"nofile", "nopath", "noexec", "nodir"}
Seen = list[tuple[str, object]]


def masked(value: Any, here: str) -> object:  # noqa: ANN401  whatever there is
    """Leave out what is never the same; a list of results is in no order."""
    if isinstance(value, dict):
        if value.get("name") in NOT_TRIED and "statename" in value:
            # We have tried to start it: see the client's transcripts.
            return value["name"]
        found = {key: masked(one, here) for key, one in value.items()}
        for key in ("start", "stop", "now", "pid"):
            if key in found:
                found[key] = type(value[key]), bool(value[key])
        return found
    if isinstance(value, list):
        several = [masked(one, here) for one in value]
        return sorted(several, key=repr) if value and isinstance(value[0], dict) else several
    if isinstance(value, str):
        # An AUTO log file of the real one has letters at random in its name.
        return re.sub(r"(---box)(-\w+)?\.log", r"\1", mask(value.replace(here, "HERE")))
    return value


def seen_of(programs: Mapping[str, tuple[str, ...]]) -> Seen:
    """Make all calls, and return what they say."""
    with Server(HEAD + PROGRAMS, programs) as there:
        there.wait_for(STARTED)
        transport = Unix(str(there.here / "s"))
        transport._headers = [("Authorization", AUTHORIZATION)]
        found: Seen = []
        with ServerProxy("http://localhost", transport) as proxy:
            for name, arguments in CALLS:
                if name == WRITE:
                    there.file.write_text((HEAD + str(arguments[0])).format(here=there.here))
                    continue
                value: Any
                try:
                    value = getattr(proxy, name)(*arguments)
                    if name == "supervisor.getPID":
                        value = value == there.process.pid
                except Fault as fault:
                    value = f"fault {fault.faultCode} {fault.faultString}"
                except ProtocolError as error:
                    value = f"HTTP {error.errcode}"
                found.append((f"{name}{arguments}", masked(value, str(there.here))))
        assert there.wait() == 0
    return found


@pytest.fixture(scope="module")
def seen() -> tuple[Seen, Seen]:
    with ThreadPoolExecutor() as pool:
        theirs, ours = (pool.submit(seen_of, programs) for programs in (REAL, SERVER))
        return theirs.result(), ours.result()


# What the real one says, and we do not on purpose.
OTHERWISE: Mapping[str, str] = {}


def test_they_answer_the_same(seen: tuple[Seen, Seen]) -> None:
    theirs, ours = seen
    different = [
        f"{call}\n  real {real}\n  ours {own}"
        for (call, real), (_, own) in zip(theirs, ours, strict=True)
        if real != own and OTHERWISE.get(call) != real
    ]
    assert not different, "\n".join(different)


def request(line: str, *headers: str, authorized: bool = True) -> bytes:
    own = [f"Authorization: {AUTHORIZATION}"] if authorized else []
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *own, *headers, "", ""]).encode()


REQUESTS = (
    request("GET /RPC2"),
    request("POST /RPC2"),
    request("POST /RPC2", "Content-Length: 5") + b"hello",
    request("POST /RPC2", "Content-Length: 13") + b"<methodCall/>",
    request("POST /RPC2", "Content-Length: 0", authorized=False),
    request("POST /RPC2", "Content-Length: 0", "Authorization: Basic a2ltOg==", authorized=False),
    request("POST /RPC2", "Content-Length: 0", "Authorization: Digest x", authorized=False),
    request("GET /logtail/cat", authorized=False),
    request("GET /logtail/nope"),
    request("GET /logtail/g:*"),
    request("GET /logtail/cat/stdin"),
    request("GET /logtail/mute"),
    request("GET /logtail/mute/stderr"),
    request("GET /logtail/off"),
    request("POST /logtail/cat"),
    request("POST /mainlogtail"),
    request("GET /mainlogtail", authorized=False),
    request("GET /nothing/there"),
)


def statuses(programs: Mapping[str, tuple[str, ...]]) -> list[tuple[bytes, dict[str, str]]]:
    """Send all requests, each on a connection of its own, and return the status and some headers."""
    found = []
    with Server(HEAD + PROGRAMS, programs) as there:
        there.wait_for(STARTED)
        for one in REQUESTS:
            with connect(str(there.here / "s")) as talk:
                talk.sendall(one)
                data = b""
                while b"\r\n\r\n" not in data:
                    data += talk.recv(65536) or b"- closed\r\n\r\n"
                first, *lines = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
                headers = {
                    name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
                }
                kept = {name: headers[name] for name in ("www-authenticate",) if name in headers}
                found.append((first.split()[1].encode() + b" to " + one.split(b"\r\n")[0], kept))
        assert there.stop() == 0
    return found


def test_http_says_the_same() -> None:
    with ThreadPoolExecutor() as pool:
        theirs, ours = (pool.submit(statuses, programs) for programs in (REAL, SERVER))
        assert theirs.result() == ours.result()
