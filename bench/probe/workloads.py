"""Programs that keep a machine busy, and how busy they got."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from endwell.engine.protocol import Container

    Figures = dict[str, float]

FORKS = "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done"
SUBSHELLS = "i=0; while [ $i -lt 2000 ]; do (:); i=$((i+1)); done"
THREADS = """
import threading
for _ in range(3000):
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
"""
NGINX = """
daemon off; worker_processes 2; pid {0}/pid; error_log stderr;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fcgi;
  uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
  server {{ listen 127.0.0.1:{1}; location / {{ return 200 "hello"; }} }} }}
"""
READY = 30.0


@dataclass(frozen=True, slots=True)
class Workload:
    """A program and its load; `load` returns None when the program itself is the load, and ends."""

    name: str
    command: Callable[[Path], tuple[str, ...]]
    load: Callable[[Container, Path], Figures | None]


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _nothing(_container: Container, _directory: Path) -> None:
    return None


def _port(directory: Path) -> int:
    return int((directory / "port").read_text())


def _redis(directory: Path) -> tuple[str, ...]:
    port = free_port()
    (directory / "port").write_text(str(port))
    return ("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory))


def _load_redis(container: Container, directory: Path) -> Figures:
    _wait(container, "Ready to accept connections")
    done = subprocess.run(
        ["redis-benchmark", "-p", str(_port(directory)), "-t", "get", "-n", "100000", "--csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    names, values = (line.replace('"', "").split(",") for line in done.stdout.splitlines()[:2])
    row = dict(zip(names, values, strict=True))
    return {"requests/s": float(row["rps"]), "p99": float(row["p99_latency_ms"])}


def _nginx(directory: Path) -> tuple[str, ...]:
    port = free_port()
    (directory / "port").write_text(str(port))
    (directory / "nginx.conf").write_text(NGINX.format(directory, port))
    directory.chmod(0o755)
    return ("nginx", "-c", str(directory / "nginx.conf"))


def _load_nginx(container: Container, directory: Path) -> Figures:
    port = _port(directory)
    while container.wait(0.02) is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                break
    done = subprocess.run(
        ["wrk", "-t1", "-c16", "-d3s", "--latency", f"http://127.0.0.1:{port}/"],
        capture_output=True,
        text=True,
        check=True,
    )
    rate = re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout)
    p99 = re.search(r"99%\s*([0-9.]+)(us|ms|s)", done.stdout)
    if rate is None or p99 is None:
        raise ValueError(f"wrk printed no figures: {done.stdout}")
    scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]]
    return {"requests/s": float(rate[1]), "p99": float(p99[1]) * scale}


def _wait(container: Container, text: str) -> None:
    while not any(text in line.text for line in container.lines):
        if container.wait(0.02) is not None:
            raise RuntimeError(f"it ended before it said {text!r}: {[line.text for line in container.lines]}")


ALL = (
    Workload("1000 x fork and exec (dash)", lambda _: ("/bin/dash", "-c", FORKS), _nothing),
    Workload("2000 x fork (dash)", lambda _: ("/bin/dash", "-c", SUBSHELLS), _nothing),
    Workload("3000 threads (Python)", lambda _: (sys.executable, "-c", THREADS), _nothing),
    Workload("redis GET", _redis, _load_redis),
    *((Workload("nginx", _nginx, _load_nginx),) if shutil.which("wrk") and shutil.which("nginx") else ()),
)
