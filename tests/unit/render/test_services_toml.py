"""endwell.render.services_toml: what is written is read as the same."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from jsonschema import Draft202012Validator

from endwell.machine.order import order
from endwell.model.project import ExitWhen, Project, When
from endwell.model.readiness import Condition, Dependency, Health, Means, Readiness, Unhealthy
from endwell.model.restart import Backoff, Restart, RestartPolicy, StartPolicy, docker
from endwell.model.service import Hook, Hooks, Log, Prefix, Rotation, ServiceSpec, Stream, WhenBlocked
from endwell.model.signals import Signal
from endwell.parse.problems import ConfigurationError
from endwell.parse.procfile import read_procfile
from endwell.parse.services import read_services
from endwell.parse.supervisord import read_configuration, translate
from endwell.parse.words import LIMITS, exceeds
from endwell.records import replace
from endwell.render.services_schema import schema
from endwell.render.services_toml import sayable, services_toml
from endwell.render.services_unsaid import unsaid
from endwell.render.toml import written_table, written_value
from tests.compat.supervisord.generated import configurations
from tests.unit.parse.supervisord.files import FILE, MAIN, surroundings, translated

REALISTIC = sorted((Path(__file__).parents[2] / "compat/supervisord/realistic").glob("*.conf"))
ENVIRONMENT = {"HOME": "/root", "PATH": "/usr/bin:/bin", "PORT": "8080", "WORKERS": "3", "N": "2", "T": "yes"}
VALIDATOR = Draft202012Validator(schema())

_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_some_words = _words.filter(bool)
_lengths = st.sampled_from([0.0, 0.001, 0.1, 1.0, 9.5, 10.0, 90.5, 86400.0]) | st.integers(0, 10**12).map(
    lambda one: one / 1e9
)
_pauses = _lengths.filter(bool)
_names = st.sampled_from(["a", "b", "web", "h:web", "é", "a.b", 'x"y', "it's"])
_backoffs = st.builds(
    Backoff,
    first=_lengths,
    factor=st.sampled_from([0.0, 1.0, 1.5, 2.0]),
    step=_lengths,
    most=_lengths | st.just(math.inf),
    jitter=st.sampled_from([0.0, 0.25, 1.0]),
)
_limits_of_starts = st.none() | st.integers(0, 9)
_restarts = st.builds(docker, st.sampled_from(Restart), st.none() | st.integers(1, 9)) | st.tuples(
    st.builds(StartPolicy, _lengths, _limits_of_starts, _backoffs),
    st.builds(
        RestartPolicy,
        st.sampled_from(Restart),
        st.none() | st.integers(1, 9),
        st.frozensets(st.integers(0, 255), max_size=3),
        _backoffs,
        _lengths,
    ),
)
_tests = st.sampled_from(
    [(Means.TCP, "h:80"), (Means.HTTP, "http://h/$x"), (Means.EXEC, "a 'b c' $d"), (Means.FILE, "/x y")]
)
_told = st.sampled_from(
    [(Means.NOTIFY, ""), (Means.DESCRIPTOR, "3"), (Means.LOG, 'up "(a|b)\\.$'), (Means.LOG, "it's")]
)
_ready = st.builds(
    lambda test, timeout, every: Readiness(test[0], test[1], timeout, every),
    _tests | _told,
    st.none() | _lengths,
    _pauses,
)
_health = st.builds(
    lambda test, *rest: Health(*test, *rest),
    _tests,
    _pauses,
    _lengths,
    _lengths,
    st.integers(1, 9),
    st.sampled_from(Unhealthy),
)
_rotations = st.builds(
    Rotation, st.none() | st.integers(1, 2**40), st.none() | _lengths, st.integers(0, 99), st.booleans()
)
_marks: dict[str, Any] = {
    "prefix": st.sampled_from(Prefix),
    "when_blocked": st.sampled_from(WhenBlocked),
    "strip_ansi": st.booleans(),
}
_logs = (
    st.just(Log(discard=True))
    | st.builds(Log, stream=st.none() | st.sampled_from(Stream), **_marks)
    | st.builds(Log, path=st.sampled_from(["/dev/stdout", "/proc/1/fd/2"]), **_marks)
    | st.builds(
        Log,
        path=st.sampled_from(["/x", "none", "container", "stdout", "a $b"]),
        rotation=_rotations,
        temporary=st.booleans(),
        **_marks,
    )
)
_hook = st.builds(
    Hook, st.lists(_words, min_size=1, max_size=3).map(tuple).filter(lambda one: bool(one[0])), _lengths
)
_several = st.lists(_hook, max_size=2).map(tuple)
_variables = _some_words.filter(lambda one: "=" not in one)


def _tuple(items: list[Dependency]) -> tuple[Dependency, ...]:
    return tuple(items)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    names = draw(st.lists(_names, min_size=1, max_size=3, unique=True))
    services = []
    for name in names:
        count = draw(st.integers(1, 3))
        one = draw(_specs(name, names))
        alike = draw(st.booleans())
        for index in range(count):
            spec = one if alike else draw(_specs(name, names))
            services.append(replace(spec, index=index, replicas=count))
    when = draw(st.sampled_from(When))
    return Project(
        services=tuple(services),
        grace=draw(_lengths | st.just(math.inf)),
        exit_when=ExitWhen(when, names[0] if when is When.SERVICE_EXITS else ""),
        stop_by_priority=draw(st.booleans()),
    )


def _specs(name: str, names: list[str]) -> st.SearchStrategy[ServiceSpec]:
    others = [other for other in names if other != name]
    after: st.SearchStrategy[tuple[Dependency, ...]] = st.just(())
    if others:
        needs = st.builds(Dependency, st.sampled_from(others), st.sampled_from(Condition))
        after = st.lists(needs, max_size=2).map(_tuple)
    return st.builds(
        lambda policies, **rest: ServiceSpec(start=policies[0], restart=policies[1], **rest),
        _restarts,
        name=st.just(name),
        command=st.lists(_words, min_size=1, max_size=3).map(tuple).filter(lambda one: bool(one[0])),
        group=st.just(name) | _some_words,
        autostart=st.booleans(),
        after=after,
        priority=st.integers(-9, 999),
        group_priority=st.none() | st.integers(-9, 999),
        ready=st.none() | _ready,
        health=st.none() | _health,
        stop_signal=st.builds(Signal, st.integers(1, 64)),
        stop_timeout=_lengths,
        drain=_lengths,
        stop_group=st.booleans(),
        environment=st.dictionaries(_variables, _words, max_size=3),
        user=st.none() | _some_words,
        directory=st.none() | _some_words,
        umask=st.none() | st.integers(0, 0o777),
        nice=st.integers(-40, 40),
        limits=st.dictionaries(
            st.sampled_from(LIMITS),
            st.tuples(st.integers(-1, 9), st.integers(-1, 9)).filter(lambda one: not exceeds(*one)),
            max_size=2,
        ),
        stdout=_logs,
        stderr=st.none() | _logs,
        hooks=st.builds(Hooks, _several, _several, _several, _several),
    )


def back(text: str) -> Project:
    """Read what was written; no variable has a value, so that none must be taken for one."""
    return read_services("endwell.toml", lambda _: text, {}).project


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(projects())
def test_any_project_is_written_and_read_as_the_same(project: Project) -> None:
    text = services_toml(project)
    assert back(text) == project
    assert "# " not in text.splitlines()[0]
    VALIDATOR.validate(tomllib.loads(text))


@pytest.mark.parametrize("path", REALISTIC, ids=lambda path: path.name)
def test_supervisords_files_of_real_life(path: Path) -> None:
    around = replace(
        surroundings({FILE: path.read_text()}, ENVIRONMENT),
        is_directory=lambda _: True,
        user=lambda _: (1, 1),
        group=lambda _: 1,
    )
    read = read_configuration(FILE, around).configuration
    project = translate(read).project
    text = services_toml(project, unsaid(read))
    assert back(text) == replace(project, services=tuple(map(sayable, project.services)))
    assert "not quite the same" not in text
    VALIDATOR.validate(tomllib.loads(text))


@settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])
@given(configurations)
def test_supervisords_files_of_no_life(text: str) -> None:
    around = replace(surroundings({FILE: text}, ENVIRONMENT), is_directory=lambda _: True)
    try:
        project = translate(read_configuration(FILE, around).configuration).project
    except ConfigurationError:
        return
    written = services_toml(project)
    if any(mark in written for mark in ("# Left out", "# To be corrected", "is not quite", "another number")):
        return
    again = back(written)
    assert {spec.key: spec for spec in again.services} == {
        spec.key: sayable(spec) for spec in project.services
    }
    assert (again.grace, again.exit_when) == (project.grace, project.exit_when)
    before, after = order(project), order(again)
    assert after.names == before.names
    if not before.listening:  # as services they are told like the others
        assert after.outlives == before.outlives


def test_a_procfile() -> None:
    files = {"Procfile": "web: server -p $PORT\nworker: a && b\n", ".env": "A='$x'\n"}
    project = read_procfile("Procfile", files.__getitem__, {}).project
    assert back(services_toml(project)) == project


def test_what_all_say_is_said_once() -> None:
    text = services_toml(
        translated(
            MAIN
            + "[program:web]\ncommand=x\nautorestart=true\n[program:db]\ncommand=y\n"
            + "numprocs=2\nprocess_name=%(process_num)s\nautorestart=true\n"
        ).project
    )
    assert text.count("SUPERVISOR_ENABLED") == 1
    assert text.count('condition = "always"') == 1
    assert text.count("[services.db.replica.1]") == text.count("[services.db.replica.2]") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("[program:web]\ncommand='a\n", "# Left out: web, because its command cannot be split into words."),
        (
            "[program:web]\ncommand=a\nstopwaitsecs=99999999\n",
            "# web is not quite the same here: stop_timeout.",
        ),
        ("[program:web]\ncommand=a\numask=1777\n", "# To be corrected: services.web.umask = '1777' is not"),
    ],
)
def test_what_cannot_be_said_is_a_comment(options: str, said: str) -> None:
    assert services_toml(translated(MAIN + options).project).startswith(said)


def test_a_replica_that_never_runs_is_no_gap() -> None:
    text = MAIN + "[group:g]\nprograms=a,b\n[program:b]\ncommand=b\nprocess_name=x0\n"
    text += "[program:a]\ncommand=a\nnumprocs=2\nprocess_name=x%(process_num)s\n"
    written = services_toml(translated(text).project)
    assert written.startswith("# g:x1 has another number here.\n")
    assert [spec.key for spec in back(written).services] == [("b", 0), ("a", 0)]


def test_what_supervisord_has_and_the_file_has_not() -> None:
    text = MAIN.replace("\n", "\nenvironment=A=1\n")
    text += "[unix_http_server]\nfile=/run/s\n[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\n"
    text += "[eventlistener:l]\ncommand=x\nevents=TICK,PROCESS_STATE_FATAL\n[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\n"
    text += "[program:web]\ncommand=x\nprocess_name=w\nstdout_events_enabled=true\n"
    text += "[program:n]\ncommand=x\nnumprocs=2\nprocess_name=%(process_num)s\n"
    read = read_configuration(FILE, surroundings({FILE: text})).configuration
    assert list(unsaid(read)) == [
        "[supervisord] environment (A) is part of the environment of every service here.",
        "[unix_http_server] has no word here: supervisorctl needs the supervisord.conf.",
        "[rpcinterface:x] is code of supervisord's and has no word here.",
        "l is an event listener (PROCESS_STATE_FATAL, TICK): as a service of this file it hears no events.",
        'If l is to end the container, write exit-when = "any-fails" instead of it.',
        "f gets no socket tcp://h:1 as its standard input here.",
        "[program:n] 0 to 1 are n-1 to n-2 here.",
        "[program:web] process_name=w is web here.",
        "[program:web] what it writes to stdout makes no events here, and is not captured.",
    ]


_scalars = (
    st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
_values = st.recursive(
    _scalars,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _values, max_size=5))
def test_any_value_is_written_as_toml(table: dict[str, Any]) -> None:
    assert tomllib.loads(f"x = {written_value(table)}\n")["x"] == table
    assert tomllib.loads("\n".join(written_table("x", table)))["x"] == table
