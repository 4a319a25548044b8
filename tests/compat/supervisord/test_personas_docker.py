"""An image whose CMD is supervisord, after one `ln -s`: a real container, a real `docker stop`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import pytest

from tests.supervise.test_in_docker import NOBODY, PYTHON, READ_ONLY, container, directory
from tests.supervise.under_init import interpreter
from tests.supervise.upping import SOURCES
from tests.support.session import docker

if TYPE_CHECKING:
    from endwell.engine.docker import DockerEngine

__all__ = ["directory", "docker"]

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow]

TEXT = """
[supervisord]
childlogdir=/srv
[unix_http_server]
file=/srv/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///srv/s
[program:one]
command=sh -c "trap 'echo bye; exit 0' TERM; exec 8<>/srv/never; read line <&8"
stdout_logfile=/dev/stdout
stdout_logfile_maxbytes=0
"""


def prepare(directory: Path) -> None:
    """Put endwell and its links where a Dockerfile would."""
    script = directory / "endwell"
    script.write_text(
        f"#!{interpreter(PYTHON)}\nimport sys\nfrom endwell.__main__ import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    for name in ("supervisord", "supervisorctl"):
        (directory / name).symlink_to("endwell")
    # The one package that supervisorctl's server needs.
    shutil.copytree(Path(h11.__file__).parent, directory / "packages/h11")
    (directory / "supervisord.conf").write_text(TEXT)
    os.mkfifo(directory / "never")
    (directory / "never").chmod(0o666)


@pytest.mark.parametrize("options", [(), (*NOBODY, *READ_ONLY)], ids=["as it is", "non-root, read-only"])
@pytest.mark.parametrize("words", [("-n",), ()], ids=["with -n", "without"])
def test_a_container_goes_on_working(
    docker: DockerEngine, directory: Path, words: tuple[str, ...], options: tuple[str, ...]
) -> None:
    prepare(directory)
    start = ("/srv/supervisord", *words, "-c", "/srv/supervisord.conf")
    path = ("-e", f"PYTHONPATH={SOURCES}:/srv/packages")
    with container(docker, directory, start, *path, *options) as one:
        one.wait_for("success: one entered RUNNING state")
        ctl = ("exec", one.name, "/srv/supervisorctl", "-c", "/srv/supervisord.conf")
        assert one.docker(*ctl, "status").startswith("one                              RUNNING   pid ")
        assert one.docker(*ctl, "restart", "one") == "one: stopped\none: started\n"
        ended = one.stop()
    assert ended.status == 0
    assert "WARN received SIGTERM indicating exit request" in ended.out
    assert "INFO stopped: one (exit status 0)" in ended.out
    assert ended.out.count("bye") == 2
