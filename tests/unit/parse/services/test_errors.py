"""endwell.parse.services: what is said about a file that is wrong or odd, and where."""

from __future__ import annotations

import re

import pytest

from endwell.machine.order import OrderError, order
from endwell.parse.problems import ConfigurationError
from tests.unit.parse.services.files import FILE, FORBIDDEN, MISSING, NO_TEXT, WEB, read

ERRORS = (
    ("", "1: has no services: write tables [services.NAME]"),
    ("[service.web]\n", "1: service is no key: did you mean services?"),
    ("services = 1\n", "1: services = 1 is a number: write tables [services.NAME]"),
    ("[services]\nweb = 'x'\n", "2: services.web = 'x' is a text: write a table of a service's keys"),
    ("[services.web]\nnice = 1\n", '1: services.web has no command: write command = "program arguments"'),
    (
        '[services."a b"]\ncommand = "x"\n',
        "1: services.\"a b\": 'a b' is not the name of a service: use letters, digits, - and _, 128 at most",
    ),
    *(
        (
            f'[services."{name}"]\ncommand = "x"\n',
            (
                f"1: services.{shown}: '{name}' is not the name of a service: "
                "use letters, digits, - and _, 128 at most"
            ),
        )
        for name, shown in (("..", '".."'), ("-x", "-x"), ("x" * 129, "x" * 129))
    ),
    (WEB + "comand = 1\n", "3: services.web.comand is no key: did you mean command?"),
    (WEB + "depends_on = 1\n", "3: services.web.depends_on is no key: did you mean after?"),
    (WEB + "stop_signal = 1\n", "3: services.web.stop_signal is no key: did you mean stop-signal?"),
    (
        WEB + "image = 'x'\n",
        "3: services.web.image is no key: endwell runs programs, not images; write command",
    ),
    (
        WEB + "stop-signal = 'TREM'\n",
        "3: services.web.stop-signal = 'TREM' is not a signal: did you mean TERM?",
    ),
    (
        WEB + "stop-timeout = 'soon'\n",
        "3: services.web.stop-timeout = 'soon' is not a length of time: write for example 10s, 1m30s, 500ms",
    ),
    (
        WEB + "stop-timeout = 'unlimited'\n",
        (
            "3: services.web.stop-timeout = 'unlimited' is not a length of time: write for example "
            "10s, 1m30s, 500ms"
        ),
    ),
    (
        WEB + "drain = -1\n",
        "3: services.web.drain = -1 is not a length of time: write for example 10s, 1m30s, 500ms",
    ),
    (
        WEB + "drain = inf\n",
        "3: services.web.drain = inf is not a length of time: write for example 10s, 1m30s, 500ms",
    ),
    (
        WEB + "drain = true\n",
        "3: services.web.drain = true is not a length of time: write for example 10s, 1m30s, 500ms",
    ),
    (
        WEB + "restart = 'allways'\n",
        "3: services.web.restart = 'allways' is none of the words for it: did you mean always?",
    ),
    (
        WEB + "restart = 'always:3'\n",
        (
            "3: services.web.restart = 'always:3' has a limit that cannot be: only on-failure takes "
            "one, such as "
            "on-failure:5"
        ),
    ),
    (
        WEB + "[services.web.restart]\ncondition = 'on-failure:3'\n",
        (
            "4: services.web.restart.condition = 'on-failure:3' has a limit: write it as max-attempts "
            "beside the "
            "condition"
        ),
    ),
    (
        WEB + "nice = 0x" + "f" * 5000,
        "3: services.web.nice is a number of more than 64 bits: write a smaller one",
    ),
    (WEB + "nice = " + "1" * 5000, "1: has a number of thousands of digits: TOML's numbers have 64 bits"),
    (
        WEB + "restart.delay.jitter = 2\n",
        "3: services.web.restart.delay.jitter = 2 is not a number from 0 to 1: write for example 0.5",
    ),
    (
        WEB + "restart.delay.factor = 'x'\n",
        "3: services.web.restart.delay.factor = 'x' is not a number from 0 to 1000: write for example 0.5",
    ),
    (
        WEB + "restart = { max-attempts = -1 }\n",
        (
            "3: services.web.restart.max-attempts = -1 is not a number of times: write for example 3, or "
            "unlimited"
        ),
    ),
    (
        WEB + "restart = { success = [0,\n 256] }\n",
        "4: services.web.restart.success = 256 is not from 0 to 255: write a number in between",
    ),
    (
        WEB + "ready = 'udp:53'\n",
        (
            "3: services.web.ready = 'udp:53' is no way to know that something is ready: write notify, fd:3, "
            "log:EXPRESSION, tcp:5432, http://localhost:8080/ready, exec:COMMAND or file:/path"
        ),
    ),
    (
        WEB + "ready = { timeout = 3 }\n",
        (
            "3: services.web.ready has no test: write notify, fd:3, log:EXPRESSION, tcp:PORT, tcp:HOST:PORT, "
            "http://..., exec:COMMAND or file:PATH"
        ),
    ),
    (
        WEB + "health = 'notify'\n",
        (
            "3: services.web.health = 'notify' cannot be asked again and again: write tcp:PORT, http://..., "
            "exec:COMMAND or file:PATH"
        ),
    ),
    (
        WEB + "health = { test = 'tcp:1', then = 'kill' }\n",
        "3: services.web.health.then = 'kill' is none of the words for it: write restart or mark",
    ),
    (WEB + "after = ['wob']\n", "3: services.web.after names 'wob', which is no service: did you mean web?"),
    (WEB + "after = ['x']\n", "3: services.web.after names 'x', which is no service: there are web"),
    (WEB + "after = 'web'\n", "3: services.web.after names web itself: take it out there"),
    (
        WEB + "after = [\n  'db:redy',\n]\n",
        "4: services.web.after = 'db:redy' is none of the words for it: did you mean ready?",
    ),
    (
        WEB + "after = { db = 'healthy' }\n",
        (
            "3: services.web.after.db = 'healthy' is none of the words for it: write started, ready or "
            "completed"
        ),
    ),
    (
        WEB + "environment = { A = 1.5 }\n",
        "3: services.web.environment.A = 1.5 is a number: write a text, in quotation marks",
    ),
    (
        WEB + "environment = { 'A=' = '1' }\n",
        "3: services.web.environment.\"A=\": 'A=' is not the name of a variable: write letters, digits and _",
    ),
    (WEB + "environment = ['=1']\n", "3: services.web.environment = '=1' has no name: write NAME=value"),
    (
        WEB + "env-file = 'x.env'\n",
        (
            "3: services.web.env-file: cannot read app/x.env: No such file or directory; correct its "
            "name or its "
            "mode"
        ),
    ),
    (
        WEB + "umask = 18\n",
        "3: services.web.umask = 18 is a number: write an octal number, in quotation marks",
    ),
    (
        WEB + "umask = '800'\n",
        "3: services.web.umask = '800' is not an octal number up to 777: write for example 022",
    ),
    (WEB + "nice = 'high'\n", "3: services.web.nice = 'high' is not a whole number: write for example 1"),
    (
        WEB + "replicas = 0\n",
        "3: services.web.replicas = 0 is not from 1 to 10000: write a number in between",
    ),
    (WEB + "replica.2.nice = 1\n", "3: services.web.replica.2: there is no replica '2': they go from 1 to 1"),
    (
        WEB + "autostart = 'no'\n",
        "3: services.web.autostart = 'no' is neither true nor false: write true or false",
    ),
    (
        WEB + "limits = { nofiles = 1 }\n",
        ("3: services.web.limits.nofiles: 'nofiles' is no limit: write names of prlimit(1) such as nofile"),
    ),
    (
        WEB + "limits = { nofile = 'x' }\n",
        "3: services.web.limits.nofile = 'x' is no limit: write for example 1024, 1024:2048 or unlimited",
    ),
    (
        WEB + "limits = { nofile = '10:5' }\n",
        (
            "3: services.web.limits.nofile = '10:5' has a soft limit above the hard one: write the smaller "
            "one first, such as 1024:2048"
        ),
    ),
    (
        WEB + "limits = { nofile = { soft = 'unlimited', hard = 5 } }\n",
        (
            "3: services.web.limits.nofile has a soft limit above the hard one: write the smaller "
            "one first, such as 1024:2048"
        ),
    ),
    ("services = [1]\n", "1: services is a list: write tables [services.NAME]"),
    (WEB + "user = ''\n", "3: services.web.user = '' is empty: write USER, UID, or USER:GROUP"),
    (WEB + "group = ''\n", "3: services.web.group = '' is empty: write a name"),
    (
        WEB + "ready = 'fd:1'\n",
        (
            "3: services.web.ready = 'fd:1' has no number from 3 to 255, and 0, 1 and 2 are the program's "
            "input and outputs: write fd:3"
        ),
    ),
    (
        WEB + "ready = { test = 'tcp:1', every = 0 }\n",
        "3: services.web.ready.every = 0 is no pause at all: write for example 100ms",
    ),
    (
        WEB + "health = { test = 'tcp:1', interval = '0s' }\n",
        "3: services.web.health.interval = '0s' is no pause at all: write for example 100ms",
    ),
    (
        WEB + "logs = { max-size = '50MiB' }\n",
        "3: services.web.logs.max-size = '50MiB' is not a number of bytes: write for example 50m, 512k or 1g",
    ),
    (
        WEB + "logs.stdout = { path = '/x', discard = true }\n",
        "3: services.web.logs sends stdout to two places, path and discard: keep one of them",
    ),
    (
        WEB + "hooks = { before-stop = ['a \"b'] }\n",
        (
            "3: services.web.hooks.before-stop = 'a \"b' cannot be split into words (No closing "
            "quotation): close "
            "the quotation mark"
        ),
    ),
    (
        "[services.web]\ncommand = []\n",
        "2: services.web.command is a list, which has no program: write one and its arguments",
    ),
    (
        "[services.web]\ncommand = ['a', 1]\n",
        "2: services.web.command = 1 is a number: write a word, in quotation marks",
    ),
    (
        "[services.web]\ncommand = ' '\n",
        "2: services.web.command = ' ' has no command: write one and its arguments",
    ),
    (
        '[services.web]\ncommand = "a\\u0000"\n',
        (
            "2: services.web.command = 'a\\x00' has a NUL character in it, which no program can be "
            "given: remove "
            "it"
        ),
    ),
    (
        "[services.web]\ncommand = 2020-01-01\n",
        (
            "2: services.web.command = 2020-01-01 is a date or time: write a command as "
            "one text, "
            "or as the list of its words, in quotation marks"
        ),
    ),
    (
        "[services.web]\ncommand = 'echo ${A'\n",
        (
            "2: services.web.command = 'echo ${A' has a ${ that begins no variable: write ${NAME}, "
            "${NAME:-default}, or $$ for one dollar sign"
        ),
    ),
    (
        "[services.web]\ncommand = 'echo ${A:?where it listens}'\n",
        "2: services.web.command = 'echo ${A:?where it listens}' needs the variable A: where it listens",
    ),
    (
        "exit-when = 'never'\n" + WEB,
        (
            "1: exit-when = 'never' does not say when the container ends: write any-fails, any-exits, "
            "all-exit, or for example web exits"
        ),
    ),
    (
        "exit-when = 'wob exits'\n" + WEB,
        "1: exit-when names 'wob', which is no service: did you mean web?",
    ),
    ("stop = 10\n" + WEB, "1: stop = 10 is a number: write a table"),
    ("[stop]\ntimeout = 10\n" + WEB, "2: stop.timeout is no key: did you mean grace?"),
    ("[defaults]\nnice = 'x'\n" + WEB, "2: defaults.nice = 'x' is not a whole number: write for example 1"),
    (
        "[defaults]\nreplicas = 2\n" + WEB,
        "2: defaults.replicas is no key: see `endwell schema` for all of them",
    ),
)


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_says_what_is_wrong_where_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(text)
    assert str(error.value).removeprefix(f"{FILE}:") == message


def test_says_everything_at_once_and_nothing_twice() -> None:
    text = '[stop]\ngrace = "x"\n[defaults]\nnice = "x"\n' + WEB + 'umask = "9"\nreplicas = 3\ndrain = "x"\n'
    text += '[services.db]\ncomand = "x"\n'
    with pytest.raises(ConfigurationError) as error:
        read(text)
    assert [problem.place.line for problem in error.value.problems] == [2, 4, 7, 9, 11]
    for line in str(error.value).splitlines():
        assert re.fullmatch(r"\S+:[0-9]+: \S.*: \S.*", line), line


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (MISSING, "No such file or directory"),
        (FORBIDDEN, "Permission denied"),
        (NO_TEXT, "'utf-8' codec can't"),
    ],
)
def test_a_file_that_cannot_be_read(problem: Exception, why: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read("", {FILE: problem})
    assert str(error.value).startswith(f"{FILE}:1: cannot read the file: {why}")
    with pytest.raises(ConfigurationError) as error:
        read(WEB + 'env-file = "x"\n', {"app/x": problem})
    assert str(error.value).startswith(f"{FILE}:3: services.web.env-file: cannot read app/x: {why}")


def test_cycles_are_found_by_the_order_and_have_a_place() -> None:
    found = read(WEB + 'after = "db"\n[services.db]\ncommand = "x"\nafter = ["web:ready"]\n')
    with pytest.raises(OrderError) as error:
        order(found.project)
    assert f"{found.places[error.value.service]}: {error.value}" == (
        f"{FILE}:3: web waits for itself, web -> db -> web: remove one of these dependencies"
    )


@pytest.mark.parametrize(
    ("command", "warning"),
    [
        ("$PROT", "has ${PROT}, which is not set and becomes nothing: did you mean PORT?"),
        ("${A}", "has ${A}, which is not set and becomes nothing: write ${A:-} if that is meant"),
    ],
)
def test_variables_that_are_not_set_are_odd(command: str, warning: str) -> None:
    found = read(f"[services.web]\ncommand = 'run {command}'\nreplicas = 3\n", PORT="1")
    assert found.project.services[2].command == ("run",)
    assert [str(one) for one in found.warnings] == [
        f"{FILE}:2: services.web.command = 'run {command}' {warning}"
    ]


def test_what_is_wrong_with_every_replica_is_said_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        read(WEB + 'replicas = 500\nready = "tcp:80${ENDWELL_REPLICA}0000"\n')
    assert len(error.value.problems) == 1
