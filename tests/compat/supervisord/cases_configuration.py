"""Small supervisord.confs, each with one quirk of the format: what a reader of it has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN = "[supervisord]\n"
WEB = "[program:web]\ncommand=sleep 1\n"
TWO = "[program:x]\nnumprocs=2\nprocess_name=%(process_num)s\n"
HOME = {"HOME": "/root", "PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Case:
    """Files by path below the directory of the test, the first one being the main one.

    Args:
        name: of the quirk.
        files: their texts.
        refused: whether supervisord refuses them.
        environment: of the reader.
        client: whether it is supervisorctl that reads.
    """

    name: str
    files: Mapping[str, str]
    refused: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: HOME)
    client: bool = False


def _main(name: str, text: str, *, refused: bool = False, **environment: str) -> Case:
    return Case(name, {"supervisord.conf": text}, refused, HOME | environment)


def _option(section: str, option: str, base: str = "", *, refused: bool = False, **environment: str) -> Case:
    name = f"[{section}] {option[:60]}".replace("\n", "|")
    top = MAIN if section != "supervisord" else ""
    return _main(name, f"{top}[{section}]\n{base}{option}\n", refused=refused, **environment)


def _web(option: str, *, refused: bool = False, **environment: str) -> Case:
    return _option("program:web", option, "command=sleep 1\n", refused=refused, **environment)


def _command(value: str, *, refused: bool = False, **environment: str) -> Case:
    return _option("program:web", f"command={value}", refused=refused, **environment)


def _several(name: str, *, refused: bool = False, **files: str) -> Case:
    paths = {key.replace("__", "/") + ".conf": text for key, text in files.items()}
    return Case(name, paths, refused)


FORMAT = (
    _main("nothing", "", refused=True),
    _main("only white space", "\n \n\t\n", refused=True),
    _main("only the section", MAIN),
    _main("the section comes last", WEB + MAIN),
    _main("no line feed at the end", MAIN + WEB.rstrip()),
    _main("carriage returns", (MAIN + WEB).replace("\n", "\r\n")),
    _main("old carriage returns", (MAIN + WEB).replace("\n", "\r")),
    _main("a vertical tab and a form feed end no line", MAIN + "[program:web]\ncommand=a\x0bb\x0cc\n"),
    _main("a line separator ends no line", MAIN + "[program:web]\ncommand=a\u2028b\x85c\n"),
    _main("byte order mark", "\ufeff" + MAIN, refused=True),
    _main("an option before any section", "a=b\n" + MAIN, refused=True),
    _main("a comment before any section", "# a=b\n; c\n" + MAIN),
    _main("a line that is nothing", MAIN + "what\n", refused=True),
    _main("an option without a name", MAIN + "=what\n", refused=True),
    _main("a section without a name", MAIN + "[]\n", refused=True),
    _main("a section that is not closed", MAIN + "[program:web\ncommand=a\n"),
    _main("words behind a section", "[supervisord] and more = less\n" + WEB),
    _main("a comment behind a section", "[supervisord] ; yes\n" + WEB),
    _main("brackets in a section", MAIN + "[program:a]b]\ncommand=x\n"),
    _main("an indented section", MAIN + "  [program:web]\n  command=a\n"),
    _main("an indented section behind an option", MAIN + "nodaemon=true\n  [program:web]\n", refused=True),
    _main("indented options", MAIN + "[program:web]\n  command=a\n  priority=3\n"),
    _main("an option indented deeper", MAIN + "[program:web]\ncommand=a\n  priority=3\n"),
    _main("an option indented less", MAIN + "[program:web]\n    command=a\n  priority=3\n"),
    _main("colon for the sign", MAIN + "[program:web]\ncommand: sleep 1\n"),
    _main("the first sign counts", MAIN + "[program:web]\ncommand = a:b=c\n"),
    _main("the first sign is a colon", MAIN + "[program:web]\ncommand : a=b\n"),
    _main("names in capitals", MAIN + "[program:web]\nCOMMAND=a\nPriority=4\n"),
    _main("sections in capitals", "[SUPERVISORD]\n", refused=True),
    _main("white space in names and values", MAIN + "[program:web]\ncommand \t=\t a  b \n"),
    _main("space in a section's name", "[supervisord ]\n", refused=True),
    _main("an option twice", MAIN + "[program:web]\ncommand=a\ncommand=b\n"),
    _main("a section twice", MAIN + "[program:web]\ncommand=a\n[program:web]\npriority=1\ncommand=b\n"),
    _main("a section twice, apart", MAIN + WEB + "[program:b]\ncommand=b\n" + WEB.replace("1", "2")),
    _main("defaults", "[DEFAULT]\npriority=5\nuser=root\n[supervisord]\n" + WEB),
    _main("defaults come after", MAIN + WEB + "[DEFAULT]\nstartsecs=7\ncommand=x\n"),
    _main("defaults with a wrong value", "[DEFAULT]\npriority=x\n" + MAIN + WEB, refused=True),
    _main("defaults are no section", "[DEFAULT]\nnodaemon=true\n", refused=True),
    _main("defaults twice", "[DEFAULT]\npriority=5\n[DEFAULT]\nstartsecs=6\n" + MAIN + WEB),
    _main("unknown options and sections", MAIN + "a=b\n[what]\nx=%(y)s\n" + WEB + "depends_on=db\n"),
    _main("a program without a colon", MAIN + "[program]\ncommand=a\n"),
    _main("a section that only begins like one", MAIN + "[programs:web]\ncommand=a\n"),
)
COMMENTS = (
    _command("a ; b"),
    _command("a;b"),
    _command("a # b"),
    _command("a#b"),
    _command("a\t#b"),
    _command("sh -c 'a ; b'"),
    _command(" ; nothing else"),
    _command("a#b #c ;d"),
    _command("a;b ;c #d"),
    _command("a;b;c ;d #e"),
    _command("a#b#c#d ;e #f"),
    _command("a ;b ;c"),
    _main("whole lines within a value", MAIN + "[program:web]\ncommand=a\n# x\n  b\n ; y\n  c\n"),
    _main("a comment within a longer value", MAIN + "[program:web]\ncommand=a ; x\n  b # y\n  c\n"),
    _main("empty lines within a value", MAIN + "[program:web]\ncommand=a\n\n  b\n\n\n  c\n\n"),
    _main("empty lines with comments in a value", MAIN + "[program:web]\ncommand=a\n\n ;\n  b\n"),
    _main("a value that begins on the next line", MAIN + "[program:web]\ncommand=\n  a\n  b\n"),
    _main("a comment before a section's sign", MAIN + ";[program:web]\ncommand=a\n"),
    _main("REM is no comment", MAIN + "rem this\n", refused=True),
)
EXPANSIONS = (
    _command("%(here)s/x"),
    _command("%(host_node_name)s"),
    _command("%(program_name)s %(group_name)s %(process_num)d %(numprocs)s"),
    _command("%(process_num)02d %(process_num)5d %(process_num)x"),
    _command("%(ENV_HOME)s"),
    _command("%(ENV_NOWHERE)s", refused=True),
    _command("%(nothing)s", refused=True),
    _command("%(here)d", refused=True),
    _command("date +%Y", refused=True),
    _command("date +%%Y %%(here)s"),
    _command("100%", refused=True),
    _command("%(here", refused=True),
    _command("%()s", refused=True),
    _command("%(ENV_X)s", X="50% %(here)s"),
    _command("%(here)s", here="/elsewhere"),
    _command("%(ENV_here)s", here="/elsewhere"),
    _command("%(HERE)s", refused=True),
    _command("a%(ENV_MANY)s", MANY="x\ny"),
    _main("a host's name in the main section", MAIN + "identifier=%(host_node_name)s\n", refused=True),
    _main("the environment is expanded twice", MAIN + 'environment=A="%%%%",B="%%(host_node_name)s"\n'),
    _main("the environment is expanded twice, wrong", MAIN + 'environment=A="%%"\n', refused=True),
    _main("a host's name in the environment", MAIN + 'environment=A="%(host_node_name)s"\n', refused=True),
    _main(
        "a main option with the variable of the same section",
        MAIN + "environment=A=b\nidentifier=%(ENV_A)s\n",
        refused=True,
    ),
    _main(
        "a program with the main section's variable",
        MAIN + "environment=A=b\n[program:x]\ncommand=%(ENV_A)s\n",
    ),
    _main(
        "a main variable over the reader's", MAIN + "environment=HOME=/h\n[program:x]\ncommand=%(ENV_HOME)s\n"
    ),
    _main(
        "a server with the main section's variable",
        MAIN + "environment=A=9001\n[inet_http_server]\nport=%(ENV_A)s\n",
    ),
    _web("environment=A=b\ndirectory=%(ENV_A)s"),
    _web("environment=A=b\nuser=%(ENV_A)s", refused=True),
    _web("environment=A=b,B=%(ENV_A)s", refused=True),
    _web('environment=PATH="/x:%(ENV_PATH)s"\nstdout_logfile=%(ENV_PATH)s', refused=True),
    _web("priority=%(process_num)d", refused=True),
    _web("startsecs=%(process_num)d", refused=True),
    _web("startsecs=%(ENV_N)s", N="4"),
    _web("stdout_logfile=%(here)s/%(program_name)s-%(process_num)s.log"),
    _web("stdout_logfile=%(here)s/%%%%.log"),
    _web("stdout_logfile=%(here)s/%%.log", refused=True),
    _web("stdout_logfile_backups=%(process_num)d\nstdout_logfile_maxbytes=%(numprocs)sKB"),
    _web("process_name=%(program_name)s-%(ENV_NAME)s", NAME="a/b c"),
    _web("process_name=%(nothing)s", refused=True),
    _web("process_name=%(process_num)03d"),
    _option("group:g", "programs=web\n" + WEB),
    _option("group:g", "programs=%(ENV_P)s\n" + WEB, P="web"),
    _option("group:g", "programs=web\npriority=%(group_name)s\n" + WEB, refused=True),
    _option("inet_http_server", "port=%(here)s", refused=True),
    _option("unix_http_server", "file=%(here)s/%(ENV_X)s.sock", X="s"),
    _option("unix_http_server", "file=%(host_node_name)s", refused=True),
    _option("fcgi-program:f", "command=a\nsocket=unix:///run/%(program_name)s"),
    _option("fcgi-program:f", "command=a\nsocket=unix:///run/%(group_name)s", refused=True),
    _main(
        "a variable of one process is known to the next",
        MAIN + TWO + "environment=A%(process_num)d=1\ncommand=%(ENV_A0)s\n",
    ),
    _main(
        "a variable of the second process is not known to the first",
        MAIN + TWO + "environment=A%(process_num)d=1\ncommand=%(ENV_A1)s\n",
        refused=True,
    ),
)
TYPES = (
    *(_web(f"autostart={value}") for value in ("yes", "TRUE", "On", "1", "no", "False", "OFF", "0")),
    *(_web(f"autostart={value}", refused=True) for value in ("", "y", "2", "enabled", "true,false")),
    *(_web(f"autorestart={value}") for value in ("true", "FALSE", "Unexpected", "1", "off")),
    *(_web(f"autorestart={value}", refused=True) for value in ("", "always", "expected")),
    *(_web(f"startsecs={value}") for value in ("0", "-3", "1_000", "+5", "007", "\u0663")),
    *(_web(f"startsecs={value}", refused=True) for value in ("", "1.5", "5s", "0x10", "one")),
    *(_web(f"stdout_logfile_maxbytes={value}") for value in ("0", "10", "1KB", "2mb", "3Gb", "4 MB", "-1kb")),
    *(
        _web(f"stdout_logfile_maxbytes={value}", refused=True)
        for value in ("", "KB", "1.5MB", "1B", "1TB", "5M")
    ),
    *(
        _web(f"stopsignal={value}")
        for value in ("TERM", "sigint", "SigQuit", "9", "0", "64", "RTMIN", "CLD", "POLL")
    ),
    *(_web(f"stopsignal={value}") for value in ("SIG_DFL", "_ign", "SIG_SETMASK", "STKFLT")),
    *(
        _web(f"stopsignal={value}", refused=True)
        for value in ("", "35", "65", "-1", "RTMIN+3", "SIGSIGTERM", "TREM")
    ),
    *(_web(f"umask={value}") for value in ("022", "0", "0o77", "777", "-1")),
    *(_web(f"umask={value}", refused=True) for value in ("", "8", "u=rwx")),
    *(_web(f"exitcodes={value}") for value in ("0", "0,2", " 1 , 2 ", "", "255,255")),
    *(_web(f"exitcodes={value}", refused=True) for value in ("256", "-1", "0,,1", "0 1", "a", "0,")),
    *(_web(f"user={value}") for value in ("root", "0", "nobody")),
    *(_web(f"user={value}", refused=True) for value in ("", "no-such-user", "987654", "-2", "root:root")),
    *(_web(f"serverurl={value}") for value in ("AUTO", "auto", "", "http://x:1", "unix:///a")),
    *(_web(f"priority={value}") for value in ("-5", "1000000")),
    *(_web(f"redirect_stderr={value}") for value in ("true", "false")),
    *(_web(f"stdout_{option}") for option in ("capture_maxbytes=1MB", "events_enabled=true", "syslog=on")),
    *(
        _web(f"stderr_{option}", refused=True)
        for option in ("capture_maxbytes=x", "events_enabled=", "syslog=x")
    ),
    *(_web(f"process_name={value}") for value in ("x", "a.b", "", "%(program_name)s", "x%(ENV_HOME)s")),
    *(_web(f"process_name={value}", refused=True) for value in ("a b", "a:b", "a/b", "a  %(process_num)s")),
)
ENVIRONMENT = (
    *(
        _web(f"environment={value}")
        for value in (
            "A=1",
            "A=1,B=2",
            "A=1,",
            'A="x, y",B=\'z "w"\'',
            'A=""',
            "A=1\n  ,B=2",
            "A=1,\n  B=2,\n",
            "A = 1 , B = 2",
            "A=/usr/bin:/bin-+().x",
            "A=1;B=2",
            "A=1|B=2",
            "A=1,A=2",
            "A='it''s'",
            'A="a\\"',
            '"A"="1"',
            "A=%%",
            "",
            'KEY="val",KEY2="http://user:p%%40ss@host/"',
            "A==",
            "A=,",
        )
    ),
    *(
        _web(f"environment={value}", refused=True)
        for value in (
            "A",
            "A=",
            "A=1,B",
            "A=1,B=",
            "A=1 B=2",
            'A="x',
            "A=a@b,B=1",
            "A=$HOME,B=2",
            "A:1",
            "=1",
        )
    ),
)
LOGS = (
    *(_web(f"stdout_logfile={value}") for value in ("NONE", "off", "AUTO", "Auto", "syslog", "", "x.log")),
    *(
        _web(f"stdout_logfile={value}")
        for value in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "~/x.log")
    ),
    *(_web(f"stderr_logfile={value}") for value in ("/dev/stderr", "syslog", "none")),
    _web("stdout_logfile=/no/such/directory/x.log", refused=True),
    _web("stdout_logfile=no-directory/x.log", refused=True),
    _web("stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0"),
    _web("stdout_logfile=AUTO\nstdout_logfile_maxbytes=0"),
    _web("redirect_stderr=true\nstderr_logfile=/dev/stderr"),
    _web("redirect_stderr=true\nstderr_logfile=NONE"),
    _web("redirect_stderr=true\nstderr_logfile=/no/such/directory/x.log", refused=True),
    _web("redirect_stderr=true\nstderr_logfile=syslog\nstderr_logfile_backups=3"),
)
PROGRAMS = (
    _option("program:web", "priority=1", refused=True),
    _option("program:web", "numprocs=0"),
    _option("program:web", "numprocs=0\nstdout_logfile=/no/such/x"),
    _option("program:web", "numprocs=0\nstartsecs=x", refused=True),
    _option("program:web", "numprocs=0\nstdout_events_enabled=x", refused=True),
    _command(""),
    _command("'a"),
    _option("program:", "command=a"),
    _option("program: web ", "command=a"),
    _option("program:a b", "command=a", refused=True),
    _option("program:a:b", "command=a", refused=True),
    _option("program:a/b", "command=a", refused=True),
    _web("numprocs=-2"),
    _web("numprocs=2", refused=True),
    _web("numprocs=2\nprocess_name=%(program_name)s", refused=True),
    _web("numprocs=2\nprocess_name=x%(process_num)s"),
    _web("numprocs=12\nprocess_name=x_%(process_num)s"),
    _web("numprocs=3\nnumprocs_start=9\nprocess_name=%(process_num)02d"),
    _web("numprocs=2\nprocess_name=%%(process_num)s"),
    _web("numprocs=1\nnumprocs_start=-1\nprocess_name=%(process_num)s"),
    _web("stopasgroup=true"),
    _web("killasgroup=true"),
    _web("stopasgroup=true\nkillasgroup=false", refused=True),
    _web("stopasgroup=true\nkillasgroup=true"),
    _web("directory=/no/such/directory"),
    _web("directory=~"),
    _main(
        "programs are sorted by priority, then name",
        MAIN
        + "".join(
            f"[program:{n}]\ncommand=x\npriority={p}\n" for n, p in (("b", 2), ("a", 2), ("d", 1), ("c", 10))
        ),
    ),
    _main("two sections of one name", MAIN + WEB + "[program: web]\ncommand=other\n"),
    _main(
        "the environment of all goes below", MAIN + "environment=A=1,B=1\n" + WEB + "environment=B=2,C=2\n"
    ),
)
GROUPS = (
    _option("group:g", ""),
    _option("group:g", "programs="),
    _option("group:g", "programs=no", refused=True),
    _option("group:g", "programs=web,\n" + WEB, refused=True),
    _option("group:g", "programs=web, web\n" + WEB),
    _option("group:g", "programs= web \npriority=7\n" + WEB + "priority=3\n"),
    _option("group:g h", "programs=web\n" + WEB, refused=True),
    _option("group:g", "programs=b,a\n[program:a]\ncommand=%(group_name)s\n[program:b]\ncommand=b\n"),
    _option("group:g", "programs=web\n[group:h]\nprograms=web\n" + WEB),
    _option("group:web", "programs=other\n[program:other]\ncommand=x\n" + WEB),
    _option("group:g", "programs=f\n[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\n"),
    _option("group:g", "programs=f\n[fcgi-program:f]\ncommand=x\n"),
    _option("group:g", "programs=web\n[fcgi-program:web]\ncommand=x\nsocket=tcp://h:1\n" + WEB, refused=True),
    _option("group:g", "programs=l\n[eventlistener:l]\ncommand=x\nevents=TICK\n", refused=True),
    _option("group:g", "programs=web\n[program:web]\npriority=1\n", refused=True),
    _option("group:g", "programs=web\npriority=x\n" + WEB, refused=True),
)
LISTENERS = (
    *(
        _option("eventlistener:l", f"command=x\n{option}")
        for option in (
            "events=TICK",
            "events=tick_5, Process_State ,EVENT",
            "events=TICK,TICK",
            "events=TICK\nbuffer_size=1",
            "events=TICK\npriority=4",
            "events=TICK\nredirect_stderr=no",
            "events=TICK\nnumprocs=2\nprocess_name=%(process_num)s",
            "events=TICK\nresult_handler=supervisor.dispatchers:default_handler",
        )
    ),
    *(
        _option("eventlistener:l", f"command=x\n{option}", refused=True)
        for option in (
            "",
            "events=",
            "events=TOCK",
            "events=TICK,",
            "events=TICK\nbuffer_size=0",
            "events=TICK\nbuffer_size=x",
            "events=TICK\nredirect_stderr=true",
        )
    ),
    _option("eventlistener:l", "events=TICK", refused=True),
    _option("eventlistener:a b", "command=x\nevents=TICK", refused=True),
    _option("eventlistener: l", "command=x\nevents=TICK"),
)
FASTCGI = (
    *(
        _option("fcgi-program:f", f"command=x\n{option}")
        for option in (
            "socket=unix:///run/x.sock",
            "socket=unix:///run/../run//x.sock",
            "socket=unix:///x\nsocket_mode=0777\nsocket_owner=root:root\nsocket_backlog=5",
            "socket=unix:///x\nsocket_owner=root",
            "socket=unix:///x\nuser=nobody",
            "socket=unix:///x\nuser=nobody\nsocket_owner=root",
            "socket=tcp://Local:9000",
            "socket=tcp://h:9000\nsocket_backlog=65535",
            "socket=tcp://h:9000\nuser=nobody",
            "socket=unix:///x\nnumprocs=2\nprocess_name=%(process_num)s",
        )
    ),
    *(
        _option("fcgi-program:f", f"command=x\n{option}", refused=True)
        for option in (
            "",
            "socket=",
            "socket=x",
            "socket=unix://x",
            "socket=tcp://h",
            "socket=tcp://h:0",
            "socket=tcp://h:70000",
            "socket=tcp://a:b:1",
            "socket=tcp://h:1\nsocket_mode=0777",
            "socket=tcp://h:1\nsocket_owner=root",
            "socket=unix:///x\nsocket_mode=9",
            "socket=unix:///x\nsocket_owner=nobody-here",
            "socket=unix:///x\nsocket_owner=root:no-group",
            "socket=unix:///x\nsocket_backlog=0",
            "socket=unix:///x\nsocket_backlog=65536",
            "socket=unix:///x\nuser=no-such-user",
        )
    ),
)
SERVERS = (
    *(
        _option("inet_http_server", option)
        for option in (
            "port=9001",
            "port=*:9001",
            "port=:9001",
            "port=LocalHost:9001",
            "port=[::1]:9001",
            "port=9001\nusername=a\npassword=b",
            "port=9001\nusername=\npassword=",
            "port=9001\n[inet_http_server:b]\nport=9002\n[inet_http_serverx]\nport=9003",
        )
    ),
    *(
        _option("inet_http_server", option, refused=True)
        for option in (
            "",
            "port=",
            "port=0",
            "port=65536",
            "port=http",
            "port=h:",
            "port=h:x",
            "port=9001\nusername=a",
            "port=9001\npassword=b",
            "port=9001\npassword=50%\nusername=x",
        )
    ),
    *(
        _option("unix_http_server", option)
        for option in (
            "file=/run/x.sock",
            "file=x.sock",
            "file=~/x.sock",
            "file=/run/../x.sock",
            "file=",
            "file=/x\nchmod=0770\nchown=root",
            "file=/x\nchown=root:root",
            "file=/x\nchown=0:0\nusername=a\npassword={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d",
            "file=/x\n[unix_http_server:b]\nfile=/y\n[inet_http_server]\nport=1",
        )
    ),
    *(
        _option("unix_http_server", option, refused=True)
        for option in (
            "",
            "file=/x\nchmod=9",
            "file=/x\nchown=no-such-user",
            "file=/x\nchown=root:no-such-group",
            "file=/x\nchown=root:",
            "file=/x\nusername=a",
        )
    ),
    _option(
        "rpcinterface:supervisor",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ),
    _option(
        "rpcinterface:a",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nX=%(ENV_HOME)s",
    ),
    _option("rpcinterface:a", "", refused=True),
    _option("rpcinterface:a", "supervisor.rpcinterface_factory=a b c", refused=True),
    _option("rpcinterface", "x=1"),
    _option("ctlplugin:x", "y=1"),
)
MAIN_SECTION = (
    *(
        _option("supervisord", option)
        for option in (
            "logfile=/dev/null\nlogfile_maxbytes=0\nlogfile_backups=0",
            "logfile=syslog",
            "logfile=NONE",
            "logfile=",
            "logfile=y.log",
            "logfile=~/y.log",
            "pidfile=p\nidentifier=x y",
            "pidfile=",
            "loglevel=DEBUG",
            "loglevel=blather",
            "umask=077",
            "nodaemon=true\nsilent=true\nnocleanup=yes\nstrip_ansi=1",
            "minfds=-1\nminprocs=0",
            "user=root",
            "user=0",
            "directory=/",
            "directory=~",
            "childlogdir=/",
            "environment=A=1",
            "identifier=",
            "serverurl=x",
        )
    ),
    *(
        _option("supervisord", option, refused=True)
        for option in (
            "logfile=/no/such/directory/x",
            "logfile_maxbytes=many",
            "logfile_backups=",
            "loglevel=loud",
            "loglevel=warning",
            "umask=9",
            "nodaemon=maybe",
            "minfds=x",
            "user=no-such-user",
            "user=",
            "directory=/no/such/directory",
            "childlogdir=/no/such/directory",
            "pidfile=/no/such/directory/x",
            "environment=A",
            "identifier=50%",
        )
    ),
)
INCLUDE = MAIN + "[include]\nfiles="
INCLUDES = (
    _several("one file", supervisord=INCLUDE + "a.conf\n", a=WEB),
    _several(
        "a pattern, sorted",
        supervisord=INCLUDE + "d/*.conf\n",
        d__b=WEB + "priority=2\n",
        d__a=WEB + "priority=1\n",
    ),
    _several(
        "several patterns, in their order",
        supervisord=INCLUDE + "b.conf  a.conf\n",
        a=WEB + "priority=1\n",
        b=WEB + "priority=2\n",
    ),
    _several(
        "patterns on several lines",
        supervisord=INCLUDE + "\n  b.conf\n  a.conf\n",
        a=WEB,
        b=WEB.replace("web", "b"),
    ),
    _several("nothing matches", supervisord=INCLUDE + "no/*.conf\n" + WEB),
    Case("a hidden file", {"supervisord.conf": INCLUDE + "d/*\n" + WEB, "d/.hidden": "nonsense"}),
    _several("a directory matches", supervisord=INCLUDE + "*\n", d__x=WEB),
    _several("without files", refused=True, supervisord=MAIN + "[include]\n"),
    _several("files of the defaults", supervisord="[DEFAULT]\nfiles=a.conf\n" + MAIN + "[include]\n", a=WEB),
    _several("here", supervisord=INCLUDE + "%(here)s/a.conf\n", a=WEB),
    _several("a variable", supervisord=INCLUDE + "%(here)s%(ENV_HOME)s.conf\n", root=WEB),
    _several("an unknown expansion", refused=True, supervisord=INCLUDE + "%(x)s\n"),
    _several("a bare percent sign", refused=True, supervisord=INCLUDE + "50%.conf\n"),
    _several("the main section is in the other file", supervisord="[include]\nfiles=a.conf\n", a=MAIN),
    _several("the other file wins", supervisord=INCLUDE + "a.conf\n" + WEB, a=WEB.replace("1", "2")),
    _several("the other file adds", supervisord=INCLUDE + "a.conf\n" + WEB, a="[program:web]\npriority=2\n"),
    _several(
        "the other file includes more",
        supervisord=INCLUDE + "a.conf\n",
        a="[include]\nfiles=b.conf\n",
        b="nonsense",
    ),
    _several(
        "the other file is wrong", refused=True, supervisord=INCLUDE + "a.conf\n", a=MAIN + "nonsense\n"
    ),
    _several("the other file has no section", refused=True, supervisord=INCLUDE + "a.conf\n", a="a=b\n"),
    _several("the other file is empty", supervisord=INCLUDE + "a.conf\n", a=""),
    _several(
        "here is each file's own",
        supervisord=INCLUDE + "d/a.conf\n[program:m]\ncommand=%(here)s\n",
        d__a="[program:a]\ncommand=%(here)s/x\ndirectory=%(here)s\n",
    ),
    _several(
        "here of the defaults is that of each section's file",
        supervisord="[DEFAULT]\ndirectory=%(here)s\n" + INCLUDE + "d/a.conf e/b.conf\n" + WEB,
        d__a="[program:a]\ncommand=a\n",
        e__b="[program:b]\ncommand=b\n[DEFAULT]\ndirectory=/e\n",
    ),
    _several(
        "an escaped here is replaced all the same",
        refused=True,
        supervisord=INCLUDE + "a.conf\n[program:m]\ncommand=%%(here)s\n",
        a="",
    ),
    _several("an escaped here without includes", supervisord=MAIN + "[program:m]\ncommand=%%(here)s\n"),
    _several("a file twice", supervisord=INCLUDE + "a.conf a.conf\n", a=WEB),
    _several(
        "defaults of the other file", supervisord=INCLUDE + "a.conf\n" + WEB, a="[DEFAULT]\npriority=3\n"
    ),
)
CLIENT = tuple(
    Case(f"client: {text[:50]!r}", {"supervisord.conf": text}, refused, HOME, client=True)
    for text, refused in (
        ("[supervisorctl]\n", False),
        (MAIN, True),
        ("[supervisorctl]\nserverurl=unix:///run/x.sock\n", False),
        ("[supervisorctl]\nserverurl=unix://%(here)s/x.sock\n", False),
        ("[supervisorctl]\nserverurl=unix://x.sock\n", False),
        ("[supervisorctl]\nserverurl=http://localhost:9001\nusername=a\npassword=b\nprompt=p\n", False),
        ("[supervisorctl]\nusername=%(here)s\n", True),
        ("[supervisorctl]\nhistory_file=~/h\n", False),
        ("[supervisorctl]\nhistory_file=\nprompt=\n", False),
        ("[supervisorctl]\nserverurl=\n", False),
        ("[supervisorctl]\nprompt=%(x)s\n", True),
        ("[supervisorctl]\n[include]\nfiles=nothing-here\n", False),
        ("[supervisorctl]\nnonsense\n", True),
    )
)

CASES = (
    *FORMAT,
    *COMMENTS,
    *EXPANSIONS,
    *TYPES,
    *ENVIRONMENT,
    *LOGS,
    *PROGRAMS,
    *GROUPS,
    *LISTENERS,
    *FASTCGI,
    *SERVERS,
    *MAIN_SECTION,
    *INCLUDES,
    *CLIENT,
)
