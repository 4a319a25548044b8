"""`endwell up` in real containers under a real `docker stop`: a bare one, and one full of real programs."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.supervise.under_init import command, interpreter
from tests.supervise.upping import PATIENCE, SOURCES, STOP, program
from tests.support.session import docker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.engine.docker import DockerEngine

__all__ = ["docker"]

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow]

PYTHON = "/usr/bin/python3"  # what containers see of the host is /usr
NOBODY = ("--user", "65534:65534")
READ_ONLY = ("--read-only",)
UNDER_TINI = ("tini", "--")  # of which docker run --init is a build; this image has no place for that
KILL_SUPERVISOR = "kill -9 $(cat /proc/1/task/1/children)"
REQUESTS = 8
PROGRAMS = ("nginx", "redis-server", "gunicorn", "supervisord")


class Ended(NamedTuple):
    """What became of a container.

    Args:
        status: its exit status.
        out: what it has written.
    """

    status: int
    out: str


class Container:
    """A container that runs.

    Args:
        host: of its engine.
        name: its id.
    """

    def __init__(self, host: str, name: str) -> None:
        self.host = host
        self.name = name

    def docker(self, *words: str) -> str:
        done = subprocess.run(
            ["docker", "--host", self.host, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "--host", self.host, "logs", self.name], capture_output=True, text=True, check=True
        )
        return done.stdout + done.stderr

    def stop(self) -> Ended:
        """Stop it as people do, with ten seconds of grace."""
        self.docker("stop", self.name)
        return self.ended()

    def ended(self) -> Ended:
        """Wait for its end."""
        status = int(self.docker("wait", self.name))
        return Ended(status, self.logs())

    def wait_for(self, *lines: str) -> None:
        """Read its logs until each of these is in them."""
        follow = ["docker", "--host", self.host, "logs", "--follow", self.name]
        with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            text = ""
            while not all(line in text for line in lines):
                assert select([process.stdout], [], [], PATIENCE)[0], f"{lines} did not come: {text}"
                part = os.read(process.stdout.fileno(), 65536)
                assert part, f"{lines} did not come: {text}"
                text += part.decode()
            process.kill()


@contextmanager
def container(
    engine: DockerEngine, directory: Path, words: tuple[str, ...], *options: str
) -> Iterator[Container]:
    """Run words in a container that sees the host's programs, our sources, and a directory as /srv."""
    host = engine.endpoint.url
    seen = ("/usr", str(SOURCES), str(Path(interpreter(PYTHON)).parents[1]))
    mounts = [word for path in seen for word in ("-v", f"{path}:{path}:ro")]
    start = [
        *(
            "docker",
            "--host",
            host,
            "run",
            "--detach",
            "--network",
            "none",
            "-v",
            f"{directory}:/srv",
            *mounts,
        ),
        *("--workdir", "/srv", "-e", f"PYTHONPATH={SOURCES}", *options, engine.image, *words),
    ]
    done = subprocess.run(start, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Container(host, done.stdout.strip())
    try:
        yield found
    finally:
        subprocess.run(["docker", "--host", host, "rm", "-f", found.name], capture_output=True, check=False)


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory that everybody in a container may write to; short, for sockets are made in it."""
    path = Path(tempfile.mkdtemp(prefix="endwell-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def two_services(directory: Path) -> tuple[str, ...]:
    """Write a file of two services, of which one needs the other; return the words that run it."""
    app = program("app", STOP.replace("bye", "bye app"), "endwell_after=db")
    text = program("db", STOP.replace("bye", "bye db")) + app
    (directory / "supervisord.conf").write_text(f"[supervisord]\nnodaemon=true\n{text}")
    os.mkfifo(directory / "never")
    (directory / "never").chmod(0o666)
    return (*command(PYTHON), "up", "-c", "/srv/supervisord.conf")


WAYS = {
    "as it is": (),
    "non-root": NOBODY,
    "read-only": READ_ONLY,
    "non-root, read-only": (*NOBODY, *READ_ONLY),
}


@pytest.mark.parametrize("before", [(), UNDER_TINI], ids=["", "under tini"])
@pytest.mark.parametrize("options", WAYS.values(), ids=list(WAYS))
def test_the_same_container_in_every_way(
    docker: DockerEngine, directory: Path, options: tuple[str, ...], before: tuple[str, ...]
) -> None:
    with container(docker, directory, (*before, *two_services(directory)), *options) as one:
        one.wait_for("up db", "up app", "app is running")
        ended = one.stop()
    assert ended.status == 0
    assert ended.out.index("bye app") < ended.out.index("bye db")
    assert "2 of 2 services ended by themselves" in ended.out


@pytest.mark.parametrize("options", [(), (*NOBODY, *READ_ONLY)], ids=["as it is", "non-root, read-only"])
def test_the_supervisor_is_killed(docker: DockerEngine, directory: Path, options: tuple[str, ...]) -> None:
    with container(docker, directory, two_services(directory), *options) as one:
        one.wait_for("up db", "up app", "app is running")
        one.docker("exec", one.name, "sh", "-c", KILL_SUPERVISOR)
        ended = one.ended()
    assert ended.status == 137
    assert (
        "the supervisor was ended by SIGKILL: services that are there, stopped in their order: 2" in ended.out
    )
    assert ended.out.index("bye app") < ended.out.index("bye db")


def test_whom_nobody_may_look_into_is_stopped_all_the_same(docker: DockerEngine, directory: Path) -> None:
    # Another user's output cannot be read by way of /proc here; what he says at the end fits into his pipe.
    talks = STOP.replace("echo bye", "seq 1000; echo bye; echo >ended")
    text = program("talks", talks, "user=nobody", "directory=/srv")
    (directory / "supervisord.conf").write_text(f"[supervisord]\nnodaemon=true\n{text}")
    os.mkfifo(directory / "never")
    (directory / "never").chmod(0o666)
    with container(docker, directory, (*command(PYTHON), "up", "-c", "/srv/supervisord.conf")) as one:
        one.wait_for("up talks", "talks is running")
        one.docker("exec", one.name, "sh", "-c", KILL_SUPERVISOR)
        ended = one.ended()
    assert ended.status == 137
    assert (directory / "ended").exists(), ended.out
    assert "1 of 1 services ended by themselves" in ended.out


# ------------------------------------------------------------------------------------------- real programs

NGINX = """\
user root;
daemon off;
worker_processes 2;
pid /srv/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /srv/body;
    proxy_temp_path /srv/proxy;
    fastcgi_temp_path /srv/fastcgi;
    uwsgi_temp_path /srv/uwsgi;
    scgi_temp_path /srv/scgi;
    server {
        listen unix:/srv/web.sock;
        location / { proxy_pass http://unix:/srv/app.sock:; }
    }
}
"""
APP = '''\
import os, socket, time


def app(environ, start_response):
    """Take a second, tell the worker, and answer."""
    with open("/srv/begun", "a") as begun:
        begun.write("x")
    time.sleep(1)
    with socket.socket(socket.AF_UNIX) as redis:
        redis.connect("/srv/redis.sock")
        redis.sendall(b"LPUSH jobs job\\r\\n")
        assert redis.recv(100).startswith(b":")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"done"]
'''
WORKER = """\
import signal, socket, time

ending = False


def end(number, frame):
    global ending
    ending = True


signal.signal(signal.SIGTERM, end)
redis = socket.socket(socket.AF_UNIX)
redis.connect("/srv/redis.sock")
print("worker waits", flush=True)
while True:
    redis.sendall(b"RPOP jobs\\r\\n")
    answer = redis.recv(100)
    if answer.startswith(b"$3"):
        time.sleep(0.05)
        with open("/srv/done", "a") as done:
            done.write("x")
    elif ending:  # nobody adds to them any more
        break
    else:
        time.sleep(0.05)
print("worker is done", flush=True)
"""
SERVICES = """\
[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/srv/supervisord.pid

[program:redis]
command=redis-server --port 0 --unixsocket /srv/redis.sock --save "" --dir /srv
priority=1
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
endwell_ready=log:ready to accept connections

[program:worker]
command=/usr/bin/python3 /srv/worker.py
priority=2
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
endwell_after=redis:ready
endwell_ready=log:^worker waits

[program:app]
command=/usr/bin/python3 -m gunicorn --chdir /srv --bind unix:/srv/app.sock --workers 2 --threads 8 app:app
priority=3
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
endwell_after=worker:ready
endwell_ready=file:/srv/app.sock

[program:nginx]
command=nginx -p /srv -c /srv/nginx.conf
priority=4
stopsignal=QUIT
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
redirect_stderr=true
endwell_after=app:ready
"""


def full_house(directory: Path) -> None:
    """Write what nginx, gunicorn, redis and a worker need."""
    for name, text in {
        "nginx.conf": NGINX,
        "app.py": APP,
        "worker.py": WORKER,
        "supervisord.conf": SERVICES,
    }.items():
        (directory / name).write_text(text)


def ask(directory: Path) -> int:
    """Make one request; returns the status of a whole answer, 0 for anything else."""
    connection = http.client.HTTPConnection("container", timeout=PATIENCE)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(str(directory / "web.sock"))
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.status if answer.read() == b"done" else 0
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def until(directory: Path, happened: str, process: Container) -> None:
    """Wait until something stands in a directory, as a shell condition says it."""
    script = f"for i in $(seq 600); do {happened} && exit 0; sleep 0.05; done; exit 1"
    done = subprocess.run(["sh", "-c", script], cwd=directory, check=False)
    assert done.returncode == 0, process.logs()


def stopped_with_requests_in_flight(one: Container, directory: Path) -> tuple[list[int], Ended]:
    """Stop a full house while it has requests under way; returns their answers, and what became of it."""
    until(directory, "test -S web.sock -a -S app.sock", one)
    with ThreadPoolExecutor(REQUESTS) as pool:
        assert ask(directory) == 200, one.logs()
        asked = [pool.submit(ask, directory) for _ in range(REQUESTS)]
        until(directory, f"test $(wc -c <begun) -eq {REQUESTS + 1}", one)
        ended = one.stop()
        return [answer.result(PATIENCE) for answer in asked], ended


def needs_programs() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name, path="/usr/bin:/usr/sbin") is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def test_real_programs_lose_nothing(docker: DockerEngine, directory: Path) -> None:
    needs_programs()
    full_house(directory)
    words = (*command(PYTHON), "up", "-c", "/srv/supervisord.conf", "--report", "/srv/report.json")
    with container(docker, directory, words) as one:
        answers, ended = stopped_with_requests_in_flight(one, directory)
    assert answers == [200] * REQUESTS, ended.out
    assert ended.status == 0, ended.out
    assert len((directory / "done").read_text()) == REQUESTS + 1, "a job was lost"
    report = json.loads((directory / "report.json").read_text())
    assert [row["killed"] for row in report["services"]] == [None] * 4
    told = {row["service"]: row["told"] for row in report["services"]}
    assert told["nginx"] < told["app"] < told["worker"] < told["redis"]
    assert "4 of 4 services ended by themselves" in ended.out


def test_real_programs_lose_nothing_when_the_supervisor_is_killed(
    docker: DockerEngine, directory: Path
) -> None:
    needs_programs()
    full_house(directory)
    with container(docker, directory, (*command(PYTHON), "up", "-c", "/srv/supervisord.conf")) as one:
        until(directory, "test -S web.sock -a -S app.sock", one)
        with ThreadPoolExecutor(REQUESTS) as pool:
            assert ask(directory) == 200, one.logs()
            asked = [pool.submit(ask, directory) for _ in range(REQUESTS)]
            until(directory, f"test $(wc -c <begun) -eq {REQUESTS + 1}", one)
            one.docker("exec", one.name, "sh", "-c", KILL_SUPERVISOR)
            ended = one.ended()
            answers = [answer.result(PATIENCE) for answer in asked]
    assert answers == [200] * REQUESTS, ended.out
    assert len((directory / "done").read_text()) == REQUESTS + 1, "a job was lost"
    assert ended.status == 137
    assert "4 of 4 services ended by themselves" in ended.out


def test_the_same_file_under_supervisord_beside_it(docker: DockerEngine, directory: Path) -> None:
    needs_programs()
    full_house(directory)
    with container(docker, directory, ("supervisord", "-n", "-c", "/srv/supervisord.conf")) as one:
        answers, ended = stopped_with_requests_in_flight(one, directory)
    # It waits for nobody at the start, and ends one after the other; with four and ten seconds that suffices.
    assert answers == [200] * REQUESTS, ended.out
    assert ended.status == 0, ended.out
