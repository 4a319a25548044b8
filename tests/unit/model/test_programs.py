"""endwell.model.programs: which row of the table a command line stands for."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, strategies as st

from endwell.model.program_table import PROGRAMS
from endwell.model.programs import Kind, find_program
from endwell.model.signals import INT, QUIT, TERM, Signal

FOUND = [
    ("nginx -g 'daemon off;'", "nginx"),
    ("'nginx: master process nginx -g daemon off;'", "nginx"),
    ("'php-fpm: master process (/etc/php-fpm.conf)'", "php-fpm"),
    ("'postgres: checkpointer '", "postgres"),
    ("/usr/sbin/php-fpm8.2 -F", "php-fpm"),
    ("'npm start'", "npm"),
    ("'npm start' '' ''", "npm"),
    ("node /usr/lib/node_modules/npm/bin/npm-cli.js start", "npm"),
    ("node --require ./hook.js server.js", "node"),
    ("node server.js", "node"),
    ("python -m gunicorn app:app", "gunicorn"),
    ("python3.11 -u -W error -m supervisor.supervisord", "supervisord"),
    ("/usr/bin/python3 /usr/bin/supervisord -n", "supervisord"),
    ("python3 manage.py runserver", "django runserver"),
    ("python3 -m http.server", "python"),
    ("python3 time.py", "python"),
    ("python3 -c gunicorn", "python"),
    ("php -S 0:80", "php -S"),
    ("php artisan queue:work", "laravel queue:work"),
    ("php index.php", "php"),
    ("java -jar app.jar", "java"),
    ("sh -c nginx", "sh"),
    ("sh -ec nginx", "sh"),
    ("-bash", "bash"),
    ("bash /entrypoint.sh", "bash"),
    ("/bin/sh /usr/bin/mysqld_safe", "mysqld_safe"),
    ("busybox sh -c x", "sh"),
    ("busybox httpd -f", "busybox httpd"),
    ("/sbin/docker-init -- app", "docker-init"),
    ("tail -f /dev/null", "tail"),
]


@pytest.mark.parametrize(("line", "name"), FOUND, ids=[line for line, _ in FOUND])
def test_finds(line: str, name: str) -> None:
    program = find_program(shlex.split(line))
    assert program is not None
    assert program.name == name


@pytest.mark.parametrize("argv", [(), ("",), ("app",), ("/opt/my-nginx", "nginx"), ("mysh", "-c", "nginx")])
def test_finds_nothing(argv: tuple[str, ...]) -> None:
    assert find_program(argv) is None


@given(st.lists(st.text(max_size=8)))
def test_reads_any_command_line(argv: list[str]) -> None:
    program = find_program(argv)
    assert program is None or program in PROGRAMS


def test_no_two_rows_answer_to_the_same_words() -> None:
    words = [word for program in PROGRAMS for word in program.match]
    assert len(words) == len(set(words))
    assert all(words)


@pytest.mark.parametrize(
    ("line", "graceful"),
    [
        ("nginx", [QUIT]),
        ("postgres", [INT]),
        ("gunicorn", [TERM]),
        ("systemd", [Signal.parse("RTMIN+3")]),
        ("uvicorn", [TERM, INT]),
        ("python3 app.py", []),
        ("cron -f", []),
    ],
)
def test_ends_gracefully_on(line: str, graceful: list[Signal]) -> None:
    program = find_program(line.split())
    assert program is not None
    assert list(program.graceful) == graceful


def test_says_what_a_signal_does() -> None:
    nginx = find_program(["nginx"])
    assert nginx is not None
    assert nginx.says(TERM) == nginx.says(INT) == "ends at once and cuts the requests in flight"
    assert nginx.says(Signal(10)) == ""
    assert nginx.image_signal == QUIT
    assert nginx.kind is Kind.SERVER
