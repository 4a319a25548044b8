"""supervisord's own reader of configurations: a request in JSON on each line of stdin, an answer on stdout.

A request has `path`, `directory`, `environment` and `client`. The answer is null where the file is refused.
"""

import contextlib
import io
import json
import os
import signal
import sys
import warnings

sys.path.insert(0, sys.argv[1])
warnings.simplefilter("ignore")

from supervisor.datatypes import Automatic, RestartUnconditionally, RestartWhenExitUnexpected  # noqa: E402
from supervisor.events import EventTypes  # noqa: E402
from supervisor.options import ClientOptions, ServerOptions  # noqa: E402

EVENTS = {getattr(EventTypes, name): name for name in dir(EventTypes) if name.isupper()}
PROGRAM = (
    "name uid command directory umask priority autostart startsecs startretries stopwaitsecs stopasgroup "
    "killasgroup exitcodes redirect_stderr environment serverurl"
).split()
STREAM = "logfile logfile_maxbytes logfile_backups capture_maxbytes events_enabled syslog".split()
MAIN = (
    "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds minprocs nocleanup "
    "childlogdir user uid gid directory strip_ansi identifier serverurl"
).split()
RESTARTS = {RestartUnconditionally: "true", RestartWhenExitUnexpected: "unexpected", False: "false"}


class Refused(Exception):
    pass


def refuse(_status):
    raise Refused


def plain(value):
    return "auto" if value is Automatic else value


def program(one):
    found = {name: getattr(one, name) for name in PROGRAM}
    found |= {
        f"{io}_{name}": plain(getattr(one, f"{io}_{name}")) for io in ("stdout", "stderr") for name in STREAM
    }
    found["autorestart"] = RESTARTS[one.autorestart]
    found["stopsignal"] = int(one.stopsignal)
    return found


def group(one):
    found = {
        "name": one.name,
        "priority": one.priority,
        "programs": [program(each) for each in one.process_configs],
    }
    found["kind"] = type(one).__name__
    if hasattr(one, "pool_events"):
        found["events"] = sorted(EVENTS[event] for event in one.pool_events)
        found["buffer_size"] = one.buffer_size
    if hasattr(one, "socket_config"):
        socket = one.socket_config
        found["socket"] = socket.url
        found["owner"] = getattr(socket, "owner", None)
        found["mode"] = getattr(socket, "mode", None)
        found["backlog"] = socket.get_backlog()
    return found


def server(one):
    return {name: value for name, value in one.items() if name != "family"}


def read(request):
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    options = ClientOptions() if request["client"] else ServerOptions()
    options.stderr = options.stdout = io.StringIO()
    options.exit = refuse
    options.realize(["-c", request["path"]] + (["status"] if request["client"] else []), doc="", progname="x")
    if request["client"]:
        names = ("serverurl", "username", "password", "prompt", "history_file")
        return {name: getattr(options, name) for name in names}
    section = options.configroot.supervisord
    return {
        "main": {name: getattr(options, name) for name in MAIN} | {"environment": section.environment},
        "groups": [group(one) for one in options.process_group_configs],
        "servers": [server(one) for one in options.server_configs],
        "interfaces": [(name, extras) for name, _, extras in options.rpcinterface_factories],
    }


for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()):
        why = ""
        try:
            answer = read(json.loads(line))
        except Refused:
            answer = None
        except Exception as error:  # a traceback is a refusal too
            answer, why = None, repr(error)
    print(json.dumps({"answer": answer, "why": why}, default=str), flush=True)
