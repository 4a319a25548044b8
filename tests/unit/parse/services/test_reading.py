"""endwell.parse.services: what each key of endwell.toml means."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest

from endwell.machine.order import Order
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency, Health, Means, Readiness, Unhealthy
from endwell.model.restart import Backoff, Restart, RestartPolicy, StartPolicy, docker
from endwell.model.service import Hook, Hooks, Log, Prefix, Rotation, ServiceSpec, Stream, WhenBlocked
from endwell.model.signals import QUIT, Signal
from endwell.render.services_page import EXAMPLE
from tests.unit.parse.services.files import FILE, WEB, read, web

START, RESTART = docker(Restart.NO)
FILE_LOG = Log("/x", rotation=Rotation(size=50 * 1024**2, every=86400, keep=3, compress=True))


def test_a_service_needs_nothing_but_a_command() -> None:
    assert web("") == ServiceSpec(
        name="web", group="web", command=("run",), start=START, restart=RESTART, stop_timeout=9.5
    )
    assert read(WEB).project.grace == 10


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("user = 1000", {"user": "1000"}),
        ('user = "web:www"', {"user": "web:www"}),
        ('working-directory = "/srv"', {"directory": "/srv"}),
        ('umask = "027"', {"umask": 0o27}),
        ("nice = -5", {"nice": -5}),
        ('nice = "${N}"', {"nice": 7}),
        ("autostart = false", {"autostart": False}),
        ('autostart = "${NO}"', {"autostart": False}),
        ('group = "g"', {"group": "g"}),
        ("priority = 1\ngroup-priority = 2", {"priority": 1, "group_priority": 2}),
        ('stop-signal = "sigquit"', {"stop_signal": QUIT}),
        ("stop-signal = 3", {"stop_signal": QUIT}),
        ('stop-signal = "RTMIN+3"', {"stop_signal": Signal(37)}),
        ('stop-timeout = "1m30s"', {"stop_timeout": 90}),
        ("stop-timeout = 1.5", {"stop_timeout": 1.5}),
        ('stop-timeout = "${N}"', {"stop_timeout": 7}),
        ("stop-group = true", {"stop_group": True}),
        ("drain = 3", {"drain": 3}),
        (
            'limits = { nofile = 1024, core = "unlimited", nproc = "1:2", data = { soft = 1, hard = 3 } }',
            {"limits": {"nofile": (1024, 1024), "core": (-1, -1), "nproc": (1, 2), "data": (1, 3)}},
        ),
        ("limits.nofile.soft = 5", {"limits": {"nofile": (5, 5)}}),
        (
            'restart = "always"',
            {"start": StartPolicy(), "restart": RestartPolicy(Restart.ALWAYS)},
        ),
        (
            'restart = "on-failure:5"',
            {"start": StartPolicy(retries=5), "restart": RestartPolicy(Restart.ON_FAILURE, 5)},
        ),
        (
            'restart = { condition = "on-failure", max-attempts = 0, success = [0, 3], window = "1m" }',
            {
                "start": StartPolicy(),
                "restart": RestartPolicy(Restart.ON_FAILURE, success=frozenset({0, 3}), reset_after=60),
            },
        ),
        (
            'restart = { condition = "always", delay = "2m" }\nstart = { window = 2, retries = "unlimited" }',
            {
                "start": StartPolicy(2, None, Backoff(first=120, most=120)),
                "restart": RestartPolicy(Restart.ALWAYS, backoff=Backoff(first=120, most=120)),
            },
        ),
        (
            (
                "start = { retries = 3, delay = { first = 1, factor = 1, step = 1, "
                'most = "unlimited", jitter = 0.5 } }'
            ),
            {"start": StartPolicy(0, 3, Backoff(1, 1, 1, math.inf, 0.5))},
        ),
        ('ready = "tcp:5432"', {"ready": Readiness(Means.TCP, "127.0.0.1:5432")}),
        (
            'ready = { test = "notify", timeout = "30s", every = "1s" }',
            {"ready": Readiness(Means.NOTIFY, "", 30, 1)},
        ),
        (
            'ready = { test = "log:up and (running|ready)", timeout = "unlimited" }',
            {"ready": Readiness(Means.LOG, "up and (running|ready)")},
        ),
        ('health = "http://h/x"', {"health": Health(Means.HTTP, "http://h/x")}),
        (
            (
                'health = { test = "exec:a b", interval = 5, timeout = 1, start-period = "1m", '
                'retries = 2, then = "mark" }'
            ),
            {"health": Health(Means.EXEC, "a b", 5, 1, 60, 2, Unhealthy.MARK)},
        ),
        ('logs = "/x"', {"stdout": Log("/x"), "stderr": None}),
        ('logs = "none"', {"stdout": Log(discard=True)}),
        (
            'logs = { stderr = "container", prefix = "json" }',
            {"stdout": Log(prefix=Prefix.JSON), "stderr": Log(prefix=Prefix.JSON)},
        ),
        (
            'logs = { stdout = "/x", max-size = "50m", every = "24h", keep = 3, compress = true }',
            {"stdout": FILE_LOG, "stderr": None},
        ),
        (
            'logs = { stdout = "/dev/stderr", max-size = 5 }',
            {"stdout": Log("/dev/stderr")},
        ),
        (
            (
                'logs = { when-blocked = "drop", stdout = { path = "none", max-size = "unlimited" }, '
                'stderr = { container = "stdout", prefix = "none", strip-colors = true }, max-size = "1k" }'
            ),
            {
                "stdout": Log("none", when_blocked=WhenBlocked.DROP),
                "stderr": Log(
                    prefix=Prefix.NONE, when_blocked=WhenBlocked.DROP, stream=Stream.STDOUT, strip_ansi=True
                ),
            },
        ),
        ('logs.stdout = { path = "/x", temporary = true }', {"stdout": Log("/x", temporary=True)}),
        (
            (
                'hooks = { before-start = "a \'b c\'", after-start = ["d", ["e", "f g"]], timeout = 3, '
                'before-stop = [{ command = "h", timeout = "1s" }], after-stop = { command = ["i"] } }'
            ),
            {
                "hooks": Hooks(
                    (Hook(("a", "b c"), 3),),
                    (Hook(("d",), 3), Hook(("e", "f g"), 3)),
                    (Hook(("h",), 1),),
                    (Hook(("i",), 3),),
                )
            },
        ),
        ("x-mine = { a = 1 }", {}),
    ],
)
def test_keys(options: str, expected: dict[str, Any]) -> None:
    spec = web(options, N="7", NO="false")
    plain = web("")
    assert {name: getattr(spec, name) for name in expected} == expected
    others = set(ServiceSpec.__slots__) - set(expected)
    assert {name: getattr(spec, name) for name in others} == {name: getattr(plain, name) for name in others}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("\"a 'b c' $$d\"", ("a", "b c", "$d")),
        ('["a", "b c", "", "$$d"]', ("a", "b c", "", "$d")),
        ('"${CMD:-sleep 1} x"', ("sleep", "1", "x")),
    ],
)
def test_commands(command: str, words: tuple[str, ...]) -> None:
    assert read(f"[services.web]\ncommand = {command}\n").project.services[0].command == words


def test_whom_a_service_waits_for() -> None:
    text = WEB + 'after = ["db:ready", "migrate : completed", "cache"]\n'
    text += '[services.db]\ncommand="a"\nafter = "cache"\n[services.cache]\ncommand="a"\n'
    text += '[services.migrate]\ncommand="a"\nafter = { db = "ready", "h:web" = "started" }\n'
    text += '[services."h:web"]\ncommand = "a"\nafter=["h:db:ready"]\n[services."h:db"]\ncommand="a"\n'
    found = read(text)
    after = {spec.name: spec.after for spec in found.project.services}
    assert after["web"] == (
        Dependency("db", Condition.READY),
        Dependency("migrate", Condition.COMPLETED),
        Dependency("cache"),
    )
    assert after["db"] == (Dependency("cache"),)
    assert after["migrate"] == (Dependency("db", Condition.READY), Dependency("h:web"))
    assert after["h:web"] == (Dependency("h:db", Condition.READY),)
    assert {name: place.line for name, place in found.places.items()} == {
        "web": 3,
        "db": 6,
        "cache": 7,
        "migrate": 11,
        "h:web": 14,
        "h:db": 15,
        "": 1,
    }
    assert Order(found.project.services).start_levels[0] == ("cache", "h:db")


def test_the_end_of_the_container() -> None:
    project = read('exit-when = "web exits"\n[stop]\ngrace = "30s"\n' + WEB).project
    assert (project.exit_when, project.grace) == (ExitWhen(When.SERVICE_EXITS, "web"), 30)
    assert project.services[0].stop_timeout == 10
    assert read('stop.grace = "unlimited"\n' + WEB).project.grace == math.inf
    assert read('exit-when = "all-exit"\n' + WEB).project.exit_when == ExitWhen(When.ALL_EXIT)


def test_replicas() -> None:
    text = 'replicas = 3\nready = "tcp:800${ENDWELL_REPLICA}"\nenvironment.A = "a"\n'
    text += '[services.web.replica.2]\nnice = 5\nenvironment.B = "${ENDWELL_REPLICA}"\n'
    one, two, three = read(WEB + text).project.services
    assert [spec.key for spec in (one, two, three)] == [("web", 0), ("web", 1), ("web", 2)]
    assert [spec.ready for spec in (one, two, three)] == [
        Readiness(Means.TCP, f"127.0.0.1:800{number}") for number in (1, 2, 3)
    ]
    assert [spec.nice for spec in (one, two, three)] == [0, 5, 0]
    assert [spec.environment for spec in (one, two, three)] == [{"A": "a"}, {"A": "a", "B": "2"}, {"A": "a"}]
    assert {spec.replicas for spec in (one, two, three)} == {3}


def test_the_replica_behind_a_different_one_is_as_the_first() -> None:
    one, two, three = read(WEB + "replicas = 3\nreplica.2.nice = 5\n").project.services
    assert (one.nice, two.nice, three.nice) == (0, 5, 0)


def test_the_number_of_replicas_may_be_a_variable() -> None:
    assert len(read(WEB + 'replicas = "${WORKERS:-2}"\n', WORKERS="4").project.services) == 4
    assert len(read(WEB + 'replicas = "${WORKERS:-2}"\n').project.services) == 2


def test_defaults_are_put_below_every_service() -> None:
    text = '[defaults]\nnice = 1\nenvironment = { A = "1", B = "1" }\nlogs = { prefix = "none" }\n'
    text += 'restart = { condition = "always", window = "1s" }\n'
    text += (
        WEB
        + 'environment.B = "2"\nlogs.stdout = "/x"\nrestart = "no"\n[services.b]\ncommand = "b"\nnice = 2\n'
    )
    first, second = read(text).project.services
    assert (first.nice, second.nice) == (1, 2)
    assert (first.environment, second.environment) == ({"A": "1", "B": "2"}, {"A": "1", "B": "1"})
    assert (first.stdout, second.stdout) == (Log("/x", Prefix.NONE), Log(prefix=Prefix.NONE))
    assert (first.restart.when, second.restart) == (Restart.NO, RestartPolicy(Restart.ALWAYS, reset_after=1))
    assert read('[defaults]\ncommand = "x"\n[services.web]\nnice = 1\n').project.services[0].command == ("x",)


def test_variables_of_the_environment() -> None:
    text = 'env-file = ["a.env", "/b.env"]\nenvironment = ["B=3", "HOME", "NOWHERE", "C=x=y"]\n'
    files: dict[str, str | Exception] = {
        "app/a.env": "# no\n\nA=1\nB='1' $$ ${X}\r\nHOME\nNOWHERE\n  D = 1\n",
        "/b.env": "\ufeffA=2\nE=\n",
    }
    with pytest.raises(ValueError, match=r"^app/a.env:7: 'D ' is not the name of a variable"):
        read(WEB + text, files)
    files["app/a.env"] = "# no\n\nA=1\nB='1' $$ ${X}\r\nHOME\nNOWHERE\n  D=1\n"
    found = read(WEB + text, files, HOME="/root")
    assert found.project.services[0].environment == {
        "A": "2",
        "B": "3",
        "HOME": "/root",
        "D": "1",
        "E": "",
        "C": "x=y",
    }
    assert found.files == (FILE, "app/a.env", "/b.env")
    files["app/a.env"] = "B='1' $$ ${X}\r\n"
    spec = read(WEB + 'env-file = "a.env"\n', files).project.services[0]
    assert spec.environment == {"B": "'1' $$ ${X}"}


def test_what_is_in_the_manual() -> None:
    found = read(EXAMPLE, {"app/worker.env": "A=1\n"})
    assert found.warnings == ()
    assert [spec.label for spec in found.project.services] == ["db", "migrate", "web", "worker-1", "worker-2"]
    assert found.project.services[4].stdout.path == "/var/log/worker-2.log"
    assert Order(found.project.services).start_levels == (("db",), ("migrate", "worker"), ("web",))


@pytest.mark.parametrize(
    ("stop", "found"),
    [("", False), ("[stop]\nby-priority = true\n", True), ("[stop]\nby-priority = false\n", False)],
)
def test_whether_the_stop_goes_by_priority(stop: str, found: bool) -> None:  # noqa: FBT001  a case
    services = read(stop + WEB + "priority = 1\n")
    assert services.project.stop_by_priority is found
    assert services.warnings == ()


def test_priorities_beside_after_are_odd_but_no_error() -> None:
    services = read('[stop]\nby-priority = true\n[services.a]\ncommand = "x"\nafter = ["web"]\n' + WEB)
    assert [str(one) for one in services.warnings] == [
        f"{FILE}:2: stop.by-priority has no effect beside after: remove one of them"
    ]


def test_no_services_are_odd_but_no_error() -> None:
    found = read("[services]\n")
    assert found.project == Project()
    assert [str(one) for one in found.warnings] == [
        f"{FILE}:1: there is no service: write [services.NAME] and its command"
    ]


def test_every_key_of_the_example_is_one_that_tomllib_reads() -> None:
    assert set(tomllib.loads(EXAMPLE)) == {"exit-when", "stop", "defaults", "services"}
