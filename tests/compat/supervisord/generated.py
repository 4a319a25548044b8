"""supervisord.confs as nobody would write them: lines and values put together at random."""

from __future__ import annotations

from hypothesis import strategies as st

SECTIONS = (
    *("supervisord", "supervisord", "program:web", "program:web", "program:b", "group:g", "DEFAULT"),
    *("eventlistener:l", "fcgi-program:f", "inet_http_server", "unix_http_server", "unix_http_server:x"),
    *("program: web", "include", "what", "group:web", "rpcinterface:supervisor"),
)
_NUMBERS = ("0", "1", "2", "12", "-1", "%(ENV_N)s", "1_0")
_TRUTH = ("true", "false", "on", "0", "%(ENV_T)s")
_NAMES = ("%(program_name)s_%(process_num)02d", "%(process_num)d", "x", "%(ENV_HOME)s")
_SIZES = ("0", "50MB", "1KB", "3")
_FILES = ("NONE", "AUTO", "syslog", "/dev/stdout", "%(here)s/%(program_name)s.log", "", "x%%%%")
_TEXTS = (
    *(
        "sleep 1",
        "a;b",
        "a ;b",
        "a#b #c ;d",
        "%(here)s %%",
        "%(host_node_name)s",
        "%(ENV_A)s",
        "\u00e9\u2028x",
    ),
    *("%(group_name)s", "%(process_num)d of %(numprocs)d", "'", "x\ty", "%(ENV_A0)s", "date +%%s"),
)
_USERS = ("root", "0", "nobody")
# What makes sense for an option, mostly.
OPTIONS = {
    "command": _TEXTS,
    "process_name": _NAMES,
    "environment": (
        "A=1",
        'A="x y",B=2',
        "A=%(ENV_HOME)s",
        "A%(process_num)d=1",
        'A="%%%%"',
        "A=1,B",
        "A=1,",
    ),
    "directory": ("/", "~", "%(here)s", "%(process_num)s"),
    "autorestart": ("true", "false", "unexpected"),
    "exitcodes": ("0", "0,2", "", "1 , 3"),
    "stopsignal": ("TERM", "sigint", "9", "0", "_IGN"),
    "umask": ("022", "7", "0o77"),
    "serverurl": ("AUTO", "http://h:1", ""),
    "programs": ("web", "b", "web,b", "web, web", ""),
    "events": ("TICK", "event,TICK_5"),
    "socket": ("unix:///run/%(program_name)s", "tcp://H:90"),
    "socket_mode": ("0777",),
    "socket_owner": _USERS,
    "socket_backlog": ("5",),
    "port": ("9001", "*:1", "H:2"),
    "file": ("/run/x", "~/x", "%(here)s/x"),
    "chmod": ("0777",),
    "chown": ("root:root", "0"),
    "username": ("a",),
    "password": ("%(ENV_HOME)s",),
    "loglevel": ("info", "DEBUG"),
    "identifier": ("%(here)s", "a b"),
    "nodaemon": _TRUTH,
    "pidfile": ("x", "/dev/null"),
    "childlogdir": ("/",),
    "user": _USERS,
    **dict.fromkeys(("logfile", "stdout_logfile", "stderr_logfile"), _FILES),
    **dict.fromkeys(("autostart", "stopasgroup", "killasgroup", "redirect_stderr", "stdout_syslog"), _TRUTH),
    **dict.fromkeys(("stderr_events_enabled", "silent", "strip_ansi"), _TRUTH),
    **dict.fromkeys(("numprocs", "numprocs_start", "priority", "startsecs", "startretries"), _NUMBERS),
    **dict.fromkeys(("stopwaitsecs", "stderr_logfile_backups", "buffer_size", "minfds"), _NUMBERS),
    **dict.fromkeys(("stdout_logfile_maxbytes", "stdout_capture_maxbytes", "logfile_maxbytes"), _SIZES),
}
PIECES = (
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\n",
        "\n ",
        "\n\n",
        "\r\n",
        "=",
        "=",
        ":",
        ";",
        "#",
        " ;",
        " #",
        "[",
        "]",
        "%%",
    ),
    *(
        "a",
        "b",
        "[supervisord]",
        "[a]",
        "[DEFAULT]",
        "[program:x]\ncommand=y",
        "environment",
        "command",
        "\x0b",
    ),
    *(
        "\x0c",
        "\x1c",
        "\x85",
        "\u2028",
        "\u3000",
        "\u00e9",
        "\ufeff",
        "%(here)s",
        "\u0130",
        "logfile_backups=3",
    ),
)
LAYOUTS = (
    "{}={}",
    "{} = {}",
    "{}: {}",
    "  {}={}",
    "{}={} ; c",
    "{}={} # c",
    "{}=\n  {}",
    "{}={}\n\n  ,C=3",
    "\t{}\t=\t{}",
)

_pairs = st.sampled_from([(name, value) for name, values in OPTIONS.items() for value in values])
# One in thirty-two has a value of another option.
_option = st.builds(
    lambda layout, pair, other, strange: layout.format(pair[0], other[1] if strange == 0 else pair[1]),
    st.sampled_from(LAYOUTS),
    _pairs,
    _pairs,
    st.integers(0, 31),
)
_section = st.builds(
    lambda name, options: "\n".join([f"[{name}]", *options]),
    st.sampled_from(SECTIONS),
    st.lists(_option, max_size=4),
)
_program = st.builds(
    lambda name, options: "\n".join([f"[program:{name}]", "command=sleep 1", *options]),
    st.sampled_from(["web", "b", "c"]),
    st.lists(_option, max_size=4),
)

# Sections and options that mean something, mostly.
configurations = st.lists(_section | _program, max_size=5).map(
    lambda sections: "\n".join([*sections, "[supervisord]", ""])
)
# What is above looks right at least; this does not.
texts = (
    st.lists(st.sampled_from(PIECES), max_size=40)
    .map("".join)
    .map(lambda text: f"[supervisord]\n[program:x]\ncommand=1\n{text}\n")
)
