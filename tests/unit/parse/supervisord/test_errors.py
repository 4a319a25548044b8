"""endwell.parse.supervisord: what is said about a file that is wrong or odd, and where."""

from __future__ import annotations

import pytest

from endwell.parse.supervisord import ConfigurationError, read_client, read_configuration
from tests.unit.parse.supervisord.files import FILE, MAIN, read, surroundings, warned

WEB = "[program:web]\ncommand=x\n"
ERRORS = (
    ("", "1: there is no section [supervisord]: add a line [supervisord]"),
    ("a=b\n" + MAIN, "1: cannot read 'a=b': no section has begun yet; put a line [supervisord] first"),
    (
        "\ufeff[supervisord]\n",
        (
            "1: cannot read '\\ufeff[supervisord]': the file begins with a byte order mark; save it "
            "without one"
        ),
    ),
    (
        MAIN + "\nwhat\n",
        (
            "3: cannot read 'what' in [supervisord]: it is neither [section] nor name=value; indent it if it "
            "continues the line above, or put ; in front of it if it is a comment"
        ),
    ),
    (
        MAIN + WEB + "startsecs=soon\n",
        "4: [program:web] startsecs='soon' is not a whole number: write one such as 10, without a unit",
    ),
    (
        "[DEFAULT]\nstartsecs=soon\n" + MAIN + WEB,
        "2: [program:web] startsecs='soon' is not a whole number: write one such as 10, without a unit",
    ),
    (
        MAIN + WEB + "stopsignal=TREM\n",
        "4: [program:web] stopsignal='TREM' is not a signal: did you mean TERM?",
    ),
    (
        MAIN + WEB + "user=nginx\n",
        "4: [program:web] user='nginx' is not a user here: create it first, or correct the name",
    ),
    (
        MAIN + WEB + "stdout_logfile=/var/log/web/x.log\n",
        (
            "4: [program:web] stdout_logfile='/var/log/web/x.log' is in a directory that "
            "does not exist: create "
            "/var/log/web first (mkdir -p), or correct the path"
        ),
    ),
    (
        MAIN + "[program:web]\ncommand=run %(ENV_PROT)s\n",
        (
            "3: [program:web] command='run %(ENV_PROT)s' needs the environment variable "
            "PROT, which is not set: "
            "did you mean %(ENV_PORT)s?"
        ),
    ),
    (
        MAIN + "[program:web]\ncommand=run %(ENV_X)s\n",
        (
            "3: [program:web] command='run %(ENV_X)s' needs the environment variable X, "
            "which is not set: give the "
            "container the variable X"
        ),
    ),
    (
        MAIN + "[program:web]\ncommand=run %(process_nun)s\n",
        (
            "3: [program:web] command='run %(process_nun)s' has %(process_nun)s, which "
            "means nothing here: did you "
            "mean %(process_num)s?"
        ),
    ),
    (
        MAIN + "[program:web]\ncommand=df | grep 90%\n",
        (
            "3: [program:web] command='df | grep 90%' has a percent sign that begins no %(name)s (incomplete "
            "format): write %% for one percent sign"
        ),
    ),
    (
        MAIN + "[program:web]\npriority=1\n",
        "2: [program:web] has no command: write command=/path/to/program and arguments",
    ),
    (
        MAIN + WEB + "numprocs=2\n",
        (
            "4: [program:web] numprocs=2 gives 2 processes the name '%(program_name)s': write "
            "process_name=%(program_name)s_%(process_num)02d"
        ),
    ),
    (
        MAIN + WEB + "startsecs=-1000000000000000\n",
        "4: [program:web] startsecs='-1000000000000000' has more than 15 digits: write a smaller number",
    ),
    (
        MAIN + WEB + "umask=77777777777\n",
        "4: [program:web] umask='77777777777' is not an octal number: write for example 022 or 0700",
    ),
    (
        MAIN + WEB + "endwell_nice=100\n",
        "4: [program:web] endwell_nice='100' is not from -40 to 40: write a number in between",
    ),
    (
        MAIN + WEB + "endwell_limits=nofile=99999999999999999999\n",
        (
            "4: [program:web] endwell_limits='nofile=99999999999999999999' has no number for nofile: write "
            "for example nofile=1024:unlimited"
        ),
    ),
    (
        MAIN + WEB + "numprocs=100000000\n",
        "4: [program:web] numprocs='100000000' is more than 10000: write a smaller number",
    ),
    (
        MAIN + "[group:g]\nprograms=web,wob\n" + WEB,
        "3: [group:g] programs names 'wob', but there is no [program:wob]: add it or correct the name",
    ),
    (
        MAIN + "[inet_http_server]\nport=9001\nusername=a\npassword=50%\n",
        (
            "5: [inet_http_server] password=(not shown) has a percent sign that begins no "
            "%(name)s (incomplete "
            "format): write %% for one percent sign"
        ),
    ),
    (
        MAIN + "[unix_http_server]\nfile=/run/x\nusername=a\n",
        "4: [unix_http_server] has a username and no password: write both, or none",
    ),
    (
        MAIN + "[include]\n",
        "2: [include] has no files: write for example files = /etc/supervisor/conf.d/*.conf",
    ),
    (
        MAIN + WEB + "endwell_after=wob\n",
        "4: [program:web] endwell_after names 'wob', which is no program or group: did you mean web?",
    ),
    (
        MAIN + WEB + "endwell_health=tcp:1\nendwell_health_interval=0\n",
        "5: [program:web] endwell_health_interval='0' is no pause at all: write for example 100ms",
    ),
    (
        MAIN + WEB + "endwell_limits=nofile=20:10\n",
        (
            "4: [program:web] endwell_limits='nofile=20:10' has a soft limit above the hard one: write the "
            "smaller one first, such as 1024:2048"
        ),
    ),
    (MAIN + WEB + "endwell_after=web\n", "4: [program:web] endwell_after names web itself: remove it there"),
    (
        MAIN + "endwell_exit_when=wob exits\n" + WEB,
        "2: [supervisord] endwell_exit_when names 'wob', which is no program or group: did you mean web?",
    ),
    (
        MAIN + WEB + "endwell_ready=tcp:http\n",
        (
            "4: [program:web] endwell_ready='tcp:http' has no port from 1 to 65535: write "
            "tcp:5432 or tcp:HOST:5432"
        ),
    ),
)
WARNINGS: tuple[tuple[str, list[str]], ...] = (
    (MAIN, []),
    (MAIN + WEB + "[supervisorctl]\nprompt=x\n[ctlplugin:x]\na=b\n", []),
    (
        MAIN + "[program:web]\ncomand=y\ncommand=x\n",
        ["3: [program:web] has no option comand: did you mean command?"],
    ),
    (
        MAIN + WEB + "depends_on=db\n",
        ["4: [program:web] has no option depends_on: endwell's own word for it is endwell_after"],
    ),
    (
        MAIN + WEB + "endwell_afetr=db\n",
        ["4: [program:web] has no option endwell_afetr: did you mean endwell_after?"],
    ),
    (
        MAIN + "[progam:web]\ncommand=x\n",
        ["2: [progam:web] is no section of supervisord: did you mean [program:]?"],
    ),
    (
        "[DEFAULT]\nwhat=x\n" + MAIN,
        ["2: [DEFAULT] has what, which is an option of no section: remove it"],
    ),
    (
        MAIN + "[program:web\ncommand=x\n",
        [
            "2: [supervisord] has no option [program: is it a section whose line does not end with ]?",
            "3: [supervisord] has no option command: it is ignored, as supervisord does; remove it",
        ],
    ),
    (
        MAIN + WEB + " [program:db]\n command=y\n",
        [
            (
                "4: this line is indented and so part of the value of command at "
                "/etc/supervisord.conf:3: remove the "
                "white space in front of it"
            )
        ],
    ),
    (
        MAIN + "[program:web]\ncommand=sh -c 'a ; b'\n",
        [
            (
                '3: [program:web] command="sh -c \'a" will never start: it cannot be split into '
                "words (No closing "
                'quotation); "; b\'" was taken for a comment; correct the command'
            )
        ],
    ),
    (
        MAIN + "[program:web]\ncommand=date +%s\n",
        [
            (
                "3: [program:web] command has '%s', which becomes all names and values that "
                "supervisord knows: write %%s"
            )
        ],
    ),
    (
        MAIN + "[include]\nfiles=*.ini\n",
        ["3: [include] files: nothing matches /etc/*.ini; correct it or remove it"],
    ),
    (
        MAIN + WEB + "[supervisord]\n[program:web]\nnumprocs=1\n",
        [
            (
                "5: [program:web] is at /etc/supervisord.conf:2 already: both are one, and what is said last "
                "holds; rename one, or put them together"
            )
        ],
    ),
    (
        MAIN + WEB + "[group:web]\nprograms=b\npriority=1\n[program:b]\ncommand=x\n",
        ["2: the group web never runs, as that of /etc/supervisord.conf:4 has its name: rename one"],
    ),
    (
        MAIN + WEB + "endwell_ready_timeout=3s\n",
        ["4: [program:web] endwell_ready_timeout has no effect: write endwell_ready too, or remove it"],
    ),
    (
        MAIN + "endwell_stop_by_priority=true\n" + WEB + "endwell_after=b\n[program:b]\ncommand=x\n",
        ["2: [supervisord] endwell_stop_by_priority has no effect beside endwell_after: remove one of them"],
    ),
    (
        MAIN + "endwell_stop_by_priority=false\n" + WEB + "endwell_after=b\n[program:b]\ncommand=x\n",
        [],
    ),
    (
        MAIN + "[program:web]\nnumprocs=0\nenvironment=A=1\nendwell_ready=notify\n",
        [],
    ),
)


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_says_what_is_wrong_where_and_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(text, PORT="1")
    assert str(error.value) == f"{FILE}:{message}"


def test_says_everything_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        read(MAIN + "umask=9\nminfds=x\n[program:web]\nautostart=maybe\n")
    assert [problem.place.line for problem in error.value.problems] == [2, 3, 4, 5]


@pytest.mark.parametrize(("text", "messages"), WARNINGS)
def test_warns_of_what_supervisord_passes_over(text: str, messages: list[str]) -> None:
    assert warned(text) == messages


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError) as error:
        read_configuration("/no.conf", surroundings({}))
    assert str(error.value) == (
        "/no.conf:1: cannot read the file: No such file or directory; name one that is there with -c"
    )


def test_an_error_in_an_included_file_names_that_file() -> None:
    files = {
        FILE: MAIN + "[include]\nfiles=d/*\n",
        "/etc/d/a": WEB + "priority=x\n",
        "/etc/d/b": "(not yours)",
    }
    with pytest.raises(ConfigurationError) as error:
        read_configuration(FILE, surroundings(files))
    assert str(error.value).startswith("/etc/d/a:3: [program:web] priority='x' ")
    files["/etc/d/a"] = WEB
    reading = read_configuration(FILE, surroundings(files))
    assert [str(one) for one in reading.warnings] == [
        "/etc/d/b:1: the included file is left out: Permission denied; correct its mode"
    ]
    assert reading.configuration.files == (FILE, "/etc/d/a")


def test_an_included_file_that_is_no_text() -> None:
    files = {FILE: MAIN + "[include]\nfiles=d/*\n", "/etc/d/a": "\xff"}
    with pytest.raises(
        ConfigurationError, match=r"^/etc/d/a:1: cannot read the included file: .*; save it as UTF-8$"
    ):
        read_configuration(FILE, surroundings(files))


def test_the_client_needs_its_section() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^/etc/supervisord.conf:1: there is no section \[supervisorctl\]"
    ):
        read_client(FILE, surroundings({FILE: MAIN}))
