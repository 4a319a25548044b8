"""endwell.parse.supervisord.translation: a supervisord.conf in our words."""

from __future__ import annotations

import pytest

from endwell.model.project import ExitWhen, When
from endwell.model.readiness import Condition, Dependency, Health, Means, Readiness, Unhealthy
from endwell.model.restart import (
    AT_ONCE_AT_FIRST,
    DOCKER,
    SUPERVISORD,
    Backoff,
    Restart,
    RestartPolicy,
    StartPolicy,
)
from endwell.model.service import (
    Hook,
    Hooks,
    Listening,
    Log,
    Prefix,
    Rotation,
    ServiceSpec,
    SocketSpec,
    Stream,
    WhenBlocked,
)
from endwell.model.signals import CONT, INT
from endwell.parse.supervisord import ConfigurationError, read_configuration, search_path, translate
from tests.unit.parse.supervisord.files import FILE, MAIN, read, surroundings, translated

WEB = "[program:web]\ncommand=x 'y z'\n"
AUTO = Rotation(size=50 * 1024 * 1024, keep=10)


def web(options: str, main: str = "") -> ServiceSpec:
    found = [one for one in translated(MAIN + main + WEB + options).project.services if one.name == "web"]
    return found[0]


def test_the_defaults_are_those_of_supervisord() -> None:
    assert web("") == ServiceSpec(
        name="web",
        group="web",
        process="web",
        command=("x", "y z"),
        start=StartPolicy(1, 3, SUPERVISORD),
        restart=RestartPolicy(Restart.ON_FAILURE, backoff=AT_ONCE_AT_FIRST, reset_after=1.0),
        priority=999,
        group_priority=999,
        stop_timeout=10,
        environment={
            "SUPERVISOR_ENABLED": "1",
            "SUPERVISOR_PROCESS_NAME": "web",
            "SUPERVISOR_GROUP_NAME": "web",
        },
        stdout=Log("/var/tmp/web-stdout---supervisor.log", Prefix.NONE, AUTO, temporary=True),
        stderr=Log("/var/tmp/web-stderr---supervisor.log", Prefix.NONE, AUTO, temporary=True),
        stdin_open=True,
    )


@pytest.mark.parametrize(
    ("options", "start", "restart"),
    [
        (
            "autorestart=true\nstartsecs=0\nstartretries=-1\nexitcodes=0,2\n",
            StartPolicy(0, 0, SUPERVISORD),
            RestartPolicy(
                Restart.ALWAYS, success=frozenset({0, 2}), backoff=AT_ONCE_AT_FIRST, reset_after=1.0
            ),
        ),
        (
            "autorestart=false\nexitcodes=\n",
            StartPolicy(1, 3, SUPERVISORD),
            RestartPolicy(Restart.NO, success=frozenset(), backoff=AT_ONCE_AT_FIRST, reset_after=1.0),
        ),
        ("endwell_restart=always\n", StartPolicy(0, None, DOCKER), RestartPolicy(Restart.ALWAYS)),
        ("endwell_restart=on-failure:5\n", StartPolicy(0, 5, DOCKER), RestartPolicy(Restart.ON_FAILURE, 5)),
        (
            "endwell_restart=no\nstartsecs=4\nstartretries=7\n",
            StartPolicy(4, 7, DOCKER),
            RestartPolicy(Restart.NO),
        ),
        (
            (
                "autorestart=true\nendwell_restart_delay=1s\nendwell_restart_delay_max=1m30s\n"
                "endwell_restart_jitter=0.5\nendwell_restart_reset=1m\n"
            ),
            StartPolicy(1, 3, Backoff(1, 2, 0, 90, 0.5)),
            RestartPolicy(Restart.ALWAYS, backoff=Backoff(1, 2, 0, 90, 0.5), reset_after=60),
        ),
    ],
)
def test_starts_and_restarts(options: str, start: StartPolicy, restart: RestartPolicy) -> None:
    assert (web(options).start, web(options).restart) == (start, restart)


@pytest.mark.parametrize(
    ("options", "stdout", "stderr"),
    [
        ("stdout_logfile=/dev/stdout\nredirect_stderr=true\n", Log(prefix=Prefix.NONE), None),
        (
            "stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\nstderr_logfile=/proc/1/fd/2\n",
            Log(prefix=Prefix.NONE),
            Log(prefix=Prefix.NONE),
        ),
        (
            "stdout_logfile=/dev/stderr\nstderr_logfile=/proc/self/fd/1\n",
            Log(prefix=Prefix.NONE, stream=Stream.STDERR),
            Log(prefix=Prefix.NONE, stream=Stream.STDOUT),
        ),
        ("stdout_logfile=NONE\nstderr_logfile=\n", Log(discard=True), Log(discard=True)),
        (
            "stdout_logfile=NONE\nstdout_syslog=true\nredirect_stderr=1\nstderr_syslog=1\n",
            Log(prefix=Prefix.NONE),
            None,
        ),
        (
            "stdout_logfile=/var/log/a\nstdout_logfile_maxbytes=0\nstderr_logfile=~/b\nstderr_logfile_backups=-1\n",
            Log("/var/log/a", Prefix.NONE, Rotation(None, keep=10)),
            Log("/home/web/b", Prefix.NONE, Rotation(AUTO.size, keep=0)),
        ),
        (
            "stdout_logfile=/dev/stdout\nendwell_log_prefix=json\nendwell_log_when_blocked=drop\nredirect_stderr=1\n",
            Log(prefix=Prefix.JSON, when_blocked=WhenBlocked.DROP),
            None,
        ),
        (
            "stdout_logfile=x\nendwell_log_rotate_every=24h\nendwell_log_compress=true\nredirect_stderr=1\n",
            Log("x", Prefix.NONE, Rotation(AUTO.size, 86400, 10, compress=True)),
            None,
        ),
        (
            "stdout_logfile=NONE\nstdout_events_enabled=true\nstderr_logfile=x\nstderr_capture_maxbytes=1KB\n",
            Log(discard=True, events=True),
            Log("x", Prefix.NONE, AUTO, capture=1024),
        ),
    ],
)
def test_logs(options: str, stdout: Log, stderr: Log | None) -> None:
    assert (web(options).stdout, web(options).stderr) == (stdout, stderr)


def test_sockets_of_fastcgi() -> None:
    text = "[fcgi-program:f]\ncommand=x\nsocket=unix:///run/f\nsocket_mode=0770\nsocket_backlog=5\n"
    text += "[fcgi-program:t]\ncommand=x\nsocket=tcp://h:9000\n"
    text += "[fcgi-program:g]\ncommand=x\nsocket=tcp://h:9001\n[group:all]\nprograms=g\n"
    found = {one.name: one for one in translated(MAIN + WEB + text).project.services}
    assert found["f"].socket == SocketSpec(path="/run/f", mode=0o770, backlog=5)
    assert found["t"].socket == SocketSpec(host="h", port=9000)
    # In a group it has none, and a pipe like all others.
    assert (found["g"].socket, found["g"].stdin_open) == (None, True)
    assert (found["f"].stdin_open, found["web"].socket, found["web"].stdin_open) == (False, None, True)


def test_what_supervisord_says_of_logs_is_for_all() -> None:
    spec = web("stdout_logfile=/dev/stdout\nredirect_stderr=1\n", "endwell_log_prefix=time\nstrip_ansi=1\n")
    assert spec.stdout.prefix is Prefix.TIME
    assert spec.stdout.strip_ansi


def test_who_listens_to_what() -> None:
    text = (
        "[eventlistener:l]\ncommand=x\nevents=TICK_5,PROCESS_STATE\nbuffer_size=3\nstdout_events_enabled=1\n"
    )
    text += "stdout_capture_maxbytes=1MB\nstderr_events_enabled=1\nnumprocs=2\nprocess_name=%(process_num)s\n"
    specs = [one for one in translated(MAIN + WEB + text).project.services if one.listener is not None]
    assert [one.key for one in specs] == [("l", 0), ("l", 1)]
    for spec in specs:
        assert spec.listener == Listening(("PROCESS_STATE", "TICK_5"), 3)
        assert (spec.stdout.events, spec.stdout.capture) == (False, 0)
        assert spec.stderr is not None
        assert spec.stderr.events


def test_output_is_shown_where_there_is_no_directory_for_it() -> None:
    around = surroundings({FILE: MAIN + WEB}, temporary=None)
    spec = translate(read_configuration(FILE, around).configuration).project.services[0]
    assert (spec.stdout, spec.stderr) == (Log(prefix=Prefix.NONE), Log(prefix=Prefix.NONE))


def test_the_stop() -> None:
    spec = web("stopsignal=INT\nstopwaitsecs=60\nstopasgroup=true\nendwell_drain=5s\n")
    assert (spec.stop_signal, spec.stop_timeout, spec.stop_group, spec.drain) == (INT, 60, True, 5)
    assert web("endwell_stop_timeout=1500ms\nstopwaitsecs=7\n").stop_timeout == 1.5
    assert web("stopwaitsecs=-7\n").stop_timeout == 0


def test_no_stop_signal_becomes_one_that_does_nothing() -> None:
    found = translated(MAIN + WEB + "stopsignal=0\n")
    assert found.project.services[0].stop_signal == CONT
    assert [str(one) for one in found.warnings] == [
        f"{FILE}:2: [program:web] stopsignal=0 tells nobody anything: SIGCONT is sent instead; write TERM"
    ]


def test_the_process() -> None:
    spec = web(
        "user=web\ndirectory=/srv\numask=027\nendwell_nice=5\n"
        "endwell_limits=nofile=1024:2048, core=unlimited\n"
        "environment=A=2,SUPERVISOR_ENABLED=0\nserverurl=http://h:1\nautostart=no\n",
        "user=root\nenvironment=A=1,B=1\n",
    )
    assert (spec.user, spec.directory, spec.umask, spec.nice, spec.autostart) == (
        "web",
        "/srv",
        0o27,
        5,
        False,
    )
    assert spec.limits == {"nofile": (1024, 2048), "core": (-1, -1)}
    assert spec.environment == {
        "SUPERVISOR_ENABLED": "0",
        "SUPERVISOR_SERVER_URL": "http://h:1",
        "SUPERVISOR_PROCESS_NAME": "web",
        "SUPERVISOR_GROUP_NAME": "web",
        "A": "2",
        "B": "1",
    }
    assert web("", "user=web\n").user == "web"


def test_the_address_of_the_first_server_is_in_the_environment() -> None:
    text = MAIN + WEB + "[inet_http_server]\nport=*:9001\n"
    assert (
        translated(text).project.services[0].environment["SUPERVISOR_SERVER_URL"] == "http://localhost:9001"
    )
    text += "[unix_http_server]\nfile=s.sock\n"
    url = translated(text).project.services[0].environment["SUPERVISOR_SERVER_URL"]
    assert url == "unix:///home/web/s.sock"


def test_replicas_keep_supervisords_names_beside_ours() -> None:
    found = translated(
        MAIN + WEB + "numprocs=3\nnumprocs_start=5\nprocess_name=%(program_name)s_%(process_num)02d\n"
    )
    assert [(one.key, one.replicas) for one in found.project.services] == [
        (("web", number), 3) for number in range(3)
    ]
    assert [found.programs["web", number].name for number in range(3)] == ["web_05", "web_06", "web_07"]


def test_groups_priorities_and_the_order_of_start() -> None:
    text = "".join(
        f"[program:{name}]\ncommand=x\npriority={priority}\n"
        for name, priority in (("a", 3), ("b", 2), ("c", 1))
    )
    text += "[group:g]\nprograms=a,b\npriority=5\n[eventlistener:l]\ncommand=x\nevents=TICK\n"
    services = translated(MAIN + text).project.services
    assert [(one.name, one.group, one.group_priority, one.priority) for one in services] == [
        ("l", "l", -1, 999),
        ("c", "c", 1, 1),
        ("b", "g", 5, 2),
        ("a", "g", 5, 3),
    ]


NUMBERS = "[program:web]\ncommand=x\npriority=20\n[program:db]\ncommand=x\npriority=1\n"
GROUPED = "[group:g]\nprograms=web,db\n"
LISTENER = "[eventlistener:l]\ncommand=x\nevents=TICK\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MAIN + NUMBERS, True),
        (f"{MAIN}endwell_stop_by_priority=false\n{NUMBERS}", False),
        # What a program of a group has says nothing at the stop.
        (MAIN + NUMBERS + GROUPED, False),
        (MAIN + NUMBERS + GROUPED + "[program:c]\ncommand=x\n", False),
        (MAIN + NUMBERS + GROUPED + "[program:c]\ncommand=x\npriority=1\n", True),
        # Who listens is told last anyway.
        (MAIN + WEB + LISTENER, False),
        (MAIN + NUMBERS + "endwell_after=web\n", False),
        (MAIN + WEB, False),
        (f"{MAIN}endwell_stop_by_priority=true\n{WEB}", True),
    ],
)
def test_whether_the_stop_goes_by_priority(text: str, found: bool) -> None:  # noqa: FBT001  a case
    assert translated(text).project.stop_by_priority is found


def test_a_program_in_two_groups_is_two_services() -> None:
    found = translated(MAIN + WEB + "[group:g]\nprograms=web\n[group:h]\nprograms=web,web\n")
    assert [(one.name, one.group) for one in found.project.services] == [("web", "g"), ("h:web", "h")]
    assert [one.stdout.path for one in found.project.services] == [
        "/var/tmp/web-stdout---supervisor.log",
        "/var/tmp/h-web-stdout---supervisor.log",
    ]


def test_what_never_runs_is_left_out() -> None:
    text = MAIN + "[program:web]\ncommand=first\n[program:web ]\ncommand=second\n"
    assert [one.command for one in translated(text).project.services] == [("first",)]
    text = (
        MAIN
        + "[group:g]\nprograms=a,b\n"
        + "".join(f"[program:{name}]\ncommand={name}\nprocess_name=x\n" for name in "ab")
    )
    assert [one.command for one in translated(text).project.services] == [("b",)]


def test_a_command_that_cannot_be_split_has_no_words() -> None:
    assert translated(MAIN + "[program:web]\ncommand='a\n").project.services[0].command == ()


def test_dependencies_on_programs_and_groups() -> None:
    text = MAIN + WEB + "endwell_after=g:ready, c:completed\n  d\n[group:g]\nprograms=a,b\n"
    text += "".join(f"[program:{name}]\ncommand=x\n" for name in "abcd")
    services = {one.name: one for one in translated(text).project.services}
    assert services["web"].after == (
        Dependency("a", Condition.READY),
        Dependency("b", Condition.READY),
        Dependency("c", Condition.COMPLETED),
        Dependency("d", Condition.STARTED),
    )


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        ("notify", Readiness(Means.NOTIFY)),
        ("fd:3", Readiness(Means.DESCRIPTOR, "3")),
        ("log: ready to (accept|serve)", Readiness(Means.LOG, "ready to (accept|serve)")),
        ("tcp:5432", Readiness(Means.TCP, "127.0.0.1:5432")),
        ("TCP:[::1]:5432", Readiness(Means.TCP, "[::1]:5432")),
        ("http://h:80/x?a=b:c", Readiness(Means.HTTP, "http://h:80/x?a=b:c")),
        ("exec:pg_isready -q", Readiness(Means.EXEC, "pg_isready -q")),
        ("file:/run/x", Readiness(Means.FILE, "/run/x")),
    ],
)
def test_readiness(value: str, ready: Readiness) -> None:
    assert web(f"endwell_ready={value}\n").ready == ready


def test_readiness_of_each_process_and_its_times() -> None:
    text = "numprocs=2\nprocess_name=%(process_num)s\nendwell_ready=tcp:800%(process_num)s\n"
    found = translated(MAIN + WEB + text + "endwell_ready_timeout=30s\nendwell_ready_every=1s\n")
    assert [one.ready for one in found.project.services] == [
        Readiness(Means.TCP, f"127.0.0.1:800{number}", 30, 1) for number in range(2)
    ]


def test_health() -> None:
    assert web("endwell_health=tcp:80\n").health == Health(Means.TCP, "127.0.0.1:80")
    options = "endwell_health=exec:x\nendwell_health_interval=5s\nendwell_health_timeout=1s\n"
    options += "endwell_health_start_period=1m\nendwell_health_retries=2\nendwell_unhealthy=mark\n"
    assert web(options).health == Health(Means.EXEC, "x", 5, 1, 60, 2, Unhealthy.MARK)


def test_hooks() -> None:
    options = (
        "endwell_before_start=a b\n  c\nendwell_after_start=d\nendwell_before_stop=e\nendwell_after_stop=f\n"
    )
    assert web(options + "endwell_hook_timeout=3s\n").hooks == Hooks(
        before_start=(Hook(("a", "b"), 3), Hook(("c",), 3)),
        after_start=(Hook(("d",), 3),),
        before_stop=(Hook(("e",), 3),),
        after_stop=(Hook(("f",), 3),),
    )


@pytest.mark.parametrize(
    ("value", "when"),
    [
        ("any-fails", ExitWhen(When.ANY_FAILS)),
        ("ALL-EXIT", ExitWhen(When.ALL_EXIT)),
        ("stopped", ExitWhen()),
        ("web exits", ExitWhen(When.SERVICE_EXITS, "web")),
    ],
)
def test_the_end_of_the_container(value: str, when: ExitWhen) -> None:
    project = translated(f"{MAIN}endwell_exit_when={value}\nendwell_grace=30s\n{WEB}").project
    assert (project.exit_when, project.grace) == (when, 30)


@pytest.mark.parametrize(
    "option",
    [
        *("after=db:", "after=:ready", "after=web:done", "ready=udp:53", "ready=tcp:", "ready=tcp:70000"),
        *(
            "ready=http:8080",
            "ready=notify:x",
            "ready=fd:x",
            "ready=log:(",
            "ready=log:",
            "ready=exec:'",
            "ready=exec:",
        ),
        *("ready=file:x", "health=notify", "health=log:x", "restart=allways", "restart=always:3"),
        *("restart=on-failure:x", "restart_delay=soon", "restart_jitter=2", "drain=-1", "nice=high"),
        *("limits=files=3", "limits=nofile=x", "limits=nofile=-5", "log_prefix=yes", "log_compress=x"),
        *("before_stop='", "hook_timeout=x\nendwell_before_stop=x", "ready=tcp:80\nendwell_ready_timeout=x"),
    ],
)
def test_wrong_values_of_our_own_keys_are_errors(option: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{FILE}:[45]: \[program:web\] endwell_\w+.*: \S"
    ) as error:
        read(f"{MAIN}{WEB}endwell_{option}\n")
    assert len(error.value.problems) == 1


@pytest.mark.parametrize("option", ["grace=soon", "exit_when=never", "exit_when=web ends"])
def test_wrong_values_of_the_projects_keys_are_errors(option: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{FILE}:2: \[supervisord\] endwell_\w+=.*: \S"):
        read(f"{MAIN}endwell_{option}\n{WEB}")


def test_where_the_file_is_looked_for() -> None:
    assert search_path("/usr/bin/supervisord") == (
        "/usr/etc/supervisord.conf",
        "/usr/supervisord.conf",
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    )
    assert search_path("supervisord")[:2] == ("etc/supervisord.conf", "supervisord.conf")
