"""What Docker and podman promise beyond the contract: images, containers of others, a line per trouble."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endwell.engine.client import RefusedError
from endwell.engine.docker import DockerEngine
from endwell.engine.host_image import root_archive
from endwell.engine.podman import PodmanEngine
from endwell.engine.protocol import EngineError, NotStartedError
from endwell.engine.remote import RemoteEngine
from endwell.model.signals import QUIT, TERM, USR1, USR2
from endwell.model.spec import ContainerSpec
from tests import zoo
from tests.support.podman import podman_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOP = "while :; do sleep 0.05; done"
STOPPABLE = f"trap 'echo told; exit 4' TERM; echo ready; {LOOP}"
IMAGE = "endwell-test-own"


@pytest.fixture(
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("podman", marks=pytest.mark.podman),
    ]
)
def remote(request: pytest.FixtureRequest) -> Iterator[RemoteEngine]:
    engine: RemoteEngine = request.getfixturevalue(request.param)
    yield engine
    assert engine.client.ask("GET", "/containers/json", {"all": 1}) == []


@pytest.fixture
def image(remote: RemoteEngine) -> Iterator[str]:
    """An image with an entrypoint, a command, a stop signal and a directory of its own."""
    words = f"trap 'exit 4' QUIT; echo $0 $1; pwd; echo ready; {LOOP}"
    config = {
        "Image": remote.find_image(remote.image)["Id"],
        "Entrypoint": ["/bin/sh", "-c", words],
        "Cmd": ["zero", "one"],
        "StopSignal": "SIGQUIT",
        "WorkingDir": "/tmp",
    }
    if remote.name == "docker":
        # An import takes no stop signal here, and in podman a commit loses it.
        remote.client.ask("POST", "/containers/create", {"name": "mother"}, config)
        remote.client.ask("POST", "/commit", {"container": "mother", "repo": IMAGE}, {})
        remote.discard("mother")
    else:
        changes = [
            f"ENTRYPOINT {json.dumps(config['Entrypoint'])}",
            f"CMD {json.dumps(config['Cmd'])}",
            "STOPSIGNAL SIGQUIT",
            "WORKDIR /tmp",
        ]
        remote.import_image(IMAGE, root_archive(), changes)
    yield IMAGE
    remote.remove_image(IMAGE)


@pytest.fixture
def others(remote: RemoteEngine) -> Iterator[Any]:
    """Run containers that are not ours; removed afterwards."""
    names: list[str] = []

    def run(text: str, host: dict[str, object] | None = None, **config: object) -> str:
        names.append(f"others-{len(names)}")
        body = {
            "Image": remote.find_image(remote.image)["Id"],
            "Entrypoint": ["/bin/sh", "-c", text],
            "Cmd": [],
            "StopTimeout": 9,
            **config,
            "HostConfig": {"Binds": remote._binds, "NetworkMode": "none", **(host or {})},
        }
        remote.client.ask("POST", "/containers/create", {"name": names[-1]}, body)
        remote.client.ask("POST", f"/containers/{names[-1]}/start")
        return names[-1]

    yield run
    for name in names:
        remote.discard(name)


# ----------------------------------------------------------------------------------------------------- images


def test_the_images_own_words_are_taken(remote: RemoteEngine, image: str) -> None:
    with remote.create(ContainerSpec(image=image)) as container:
        assert (container.stop_signal, container.grace) == (QUIT, 10.0)
        container.start()
        container.expect("zero one")
        container.expect("/tmp")
        container.expect("ready")
        ending = container.stop()
        assert (ending.status, ending.killed) == (4, False)


def test_the_spec_comes_before_the_image(remote: RemoteEngine, image: str) -> None:
    spec = ContainerSpec(image=image, command=("a", "b"), stop_signal=USR2, grace=3.0, directory="/usr")
    with remote.create(spec) as container:
        assert (container.stop_signal, container.grace) == (USR2, 3.0)
        container.start()
        container.expect("a b")
        container.expect("/usr")


def test_an_init_stands_in_front_of_the_images_words(
    remote: RemoteEngine, image: str, tmp_path: Path
) -> None:
    init = tmp_path / "init"
    init.write_text('#!/bin/sh\necho init "$1" "$2" "$#"\n')
    init.chmod(0o755)
    spec = ContainerSpec(image=image, init=(str(init), "--"), mounts=(str(init),))
    with remote.create(spec) as container:
        container.start()
        container.expect("init -- /bin/sh 6")


def test_an_image_without_a_command_needs_one(remote: RemoteEngine) -> None:
    with pytest.raises(NotStartedError, match=f"image {remote.image} has no command"):
        remote.create(ContainerSpec())


def test_a_missing_image_is_one_line(remote: RemoteEngine) -> None:
    with pytest.raises(
        EngineError, match=f"no image nosuch:1; get it: {remote.name} pull nosuch:1"
    ) as caught:
        remote.create(ContainerSpec(image="nosuch:1", command=("true",)))
    assert "\n" not in str(caught.value)
    with pytest.raises(EngineError, match="no image was named"):
        type(remote)(host=remote.endpoint.url).create(ContainerSpec(command=("true",)))


def test_a_filter_is_the_local_engines(remote: RemoteEngine) -> None:
    with pytest.raises(EngineError, match="observer tracefs"):
        remote.create(ContainerSpec(command=("true",)), listener=0)


def test_a_grace_has_whole_seconds(remote: RemoteEngine) -> None:
    with pytest.raises(EngineError, match="whole seconds"):
        remote.create(ContainerSpec(command=("true",), grace=0.5))


def test_an_anonymous_volume_goes_with_its_container(remote: RemoteEngine) -> None:
    def volumes() -> set[str]:
        return {one["Name"] for one in remote.client.ask("GET", "/volumes")["Volumes"] or ()}

    before = volumes()
    remote.import_image(IMAGE, root_archive(), ["VOLUME /data", 'CMD ["/bin/sh", "-c", "exit"]'])
    try:
        with remote.create(ContainerSpec(image=IMAGE)) as container:
            container.start()
            assert len(volumes() - before) == 1
            container.wait(10.0)
        assert volumes() == before
    finally:
        remote.remove_image(IMAGE)


# --------------------------------------------------------------------------------------- containers of others


def test_an_attached_container_is_stopped_and_stays(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(f"trap 'echo told; exit 4' USR1; {LOOP}", StopSignal="SIGUSR1")
    with remote.attach(name) as container:
        assert container.name == name
        assert (container.stop_signal, container.grace) == (USR1, 9.0)
        assert container.pid in container.members()
        with container.exec(("/bin/kill", "-0", "1")) as running:
            assert running.wait(10.0) == 0
        ending = container.stop()
        assert (ending.status, ending.killed) == (4, False)
        container.expect("told")
    state = remote.inspect(name)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 4)


def test_a_command_that_is_left_at_once_is_ended(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    """The engine knows that it runs a little later than it runs."""
    with remote.attach(others(f"{LOOP}")) as container:
        for _ in range(5):
            with container.exec(("/bin/sleep", "4321")):
                pass
        for pid in container.members():
            with contextlib.suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
                try:
                    if _is_sleeping_long(pid):
                        assert select.select([pidfd], [], [], 20.0)[0]
                finally:
                    os.close(pidfd)


def _is_sleeping_long(pid: int) -> bool:
    try:
        return b"4321" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_an_attached_container_goes_on_when_we_leave(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(STOPPABLE)
    with remote.attach(name) as container:
        assert container.wait(0.0) is None
        with pytest.raises(EngineError, match="has none"):
            container.feed("x")
    assert remote.inspect(name)["State"]["Running"]


def test_an_attached_container_may_be_gone_after_its_stop(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(STOPPABLE, {"AutoRemove": True})
    with remote.attach(name) as container:
        ending = container.stop()
        assert (ending.status, ending.killed) == (4, False)


def test_a_restart_policy_does_not_undo_the_stop(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(STOPPABLE, {"RestartPolicy": {"Name": "always"}})
    with remote.attach(name) as container:
        assert container.stop().status == 4
    assert not remote.inspect(name)["State"]["Running"]


def test_an_attached_container_takes_another_signal(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    # Attached, we see only what is printed from then on: so it says again and again that its traps are set.
    name = others("trap '' TERM; trap 'exit 5' HUP; while :; do echo ready; sleep 0.05; done")
    with remote.attach(name) as container:
        container.expect("ready")
        ending = container.stop(9.0, signal.SIGHUP)
        assert container.stop_signal == TERM
        assert (ending.status, ending.killed) == (5, False)
        since = remote.stop_signal_from
        assert bool(ending.note) == (since is None or remote.client.version < since)


def test_what_does_not_run_cannot_be_attached(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    with pytest.raises(EngineError, match=f"no container nosuch; see: {remote.name} ps"):
        remote.attach("nosuch")
    name = others("exit 3")
    remote.client.ask("POST", f"/containers/{name}/wait")
    with pytest.raises(EngineError, match=f"it is exited; start it: {remote.name} start {name}"):
        remote.attach(name)


def test_a_container_without_processes_of_its_own_is_refused(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(STOPPABLE, {"PidMode": "host"})
    with pytest.raises(EngineError, match="--pid=host"):
        remote.attach(name)


@pytest.mark.docker
def test_who_leaves_with_137_when_the_grace_is_over_was_not_killed(docker: DockerEngine) -> None:
    with docker.start(("/bin/sh", "-c", f"trap 'exit 137' TERM; echo ready; {LOOP}")) as container:
        container.expect("ready")
        container.stop(9)
        container._kill_after = 0.0  # as if the answer had come so late
        ending = container.wait()
        assert ending is not None
        assert (ending.status, ending.killed, docker.has_killed(container.identity)) == (137, False, False)


@pytest.mark.docker
def test_who_was_killed_was_by_the_engines_own_word(docker: DockerEngine) -> None:
    with docker.start(("/bin/sh", "-c", f"echo ready; {LOOP}")) as container:
        container.expect("ready")
        assert docker.has_killed(container.identity) is None  # it has not sent anything yet
        assert container.stop(0).killed
        assert docker.has_killed(container.identity) is True


def test_a_container_that_is_never_killed(remote: RemoteEngine, others: Any) -> None:  # noqa: ANN401
    name = others(STOPPABLE) if remote.name == "podman" else others(STOPPABLE, StopTimeout=-1)
    with remote.attach(name) as container:
        assert math.isinf(container.grace) == (remote.name == "docker")
        assert container.stop().status == 4


# -------------------------------------------------------------------------------------------------- no engine


def test_no_socket_is_one_line(tmp_path: Path) -> None:
    for kind, step in ((DockerEngine, "DOCKER_HOST"), (PodmanEngine, "podman system service")):
        with pytest.raises(EngineError, match=f"no.sock: No such file.*{step}") as caught:
            kind("image", host=f"unix://{tmp_path}/no.sock").start(["true"])
        assert "\n" not in str(caught.value)


def test_no_podman_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("endwell.engine.endpoint.PODMAN_SOCKET", str(tmp_path / "no.sock"))
    with pytest.raises(EngineError, match="no program podman on the PATH; install it"):
        PodmanEngine("image").start(["true"])


@pytest.mark.podman
def test_podman_needs_no_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, podman: PodmanEngine
) -> None:
    mounts = [bind.split(":")[0] for bind in podman._binds]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr("endwell.engine.endpoint.PODMAN_SOCKET", str(tmp_path / "no.sock"))
    with podman_environment() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with PodmanEngine(IMAGE, mounts=mounts, network="none") as engine:
            engine.import_image(IMAGE, root_archive())
            service = engine._service
            assert service is not None
            assert service._process is not None
            # It has left because nobody asked for anything, or was ended: the next request starts it again.
            service._process.terminate()
            service._process.wait()
            with engine.start(zoo.command("flushes-slowly")) as container:
                container.expect("ready")
                assert container.stop(10.0).killed is False
            pid = service._process.pid
            engine.close()
            assert not Path(f"/proc/{pid}").exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_no_permission_is_one_line(remote: RemoteEngine) -> None:
    step = {"docker": "join the group docker, or run with sudo", "podman": "run with sudo"}[remote.name]
    mine = type(remote)("image", host=remote.endpoint.url)
    os.seteuid(65534)
    try:
        with pytest.raises(EngineError) as making:
            mine.start(["true"])
        with pytest.raises(EngineError) as attaching:
            mine.attach("app")
    finally:
        os.seteuid(0)
    for caught in (making, attaching):
        assert str(caught.value).endswith(f".sock: Permission denied; {step}")
        assert "\n" not in str(caught.value)


@pytest.mark.podman
def test_podman_is_asked_again_about_one_that_has_just_ended(
    podman: PodmanEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[RefusedError | dict[str, object]] = [
        RefusedError("refused", 500, "open /proc/12/cgroup: no such process"),
        {"State": {}},
        RefusedError("refused", 500, "something else"),
    ]

    def inspect(*_: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, RefusedError):
            raise answer
        return answer

    monkeypatch.setattr(RemoteEngine, "inspect", inspect)
    assert podman.inspect("web") == {"State": {}}
    with pytest.raises(RefusedError):
        podman.inspect("web")
