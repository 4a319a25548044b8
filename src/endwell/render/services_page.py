"""The reference page of endwell.toml, made of the table that its reader is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.parse.services import table, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.parse.services.compounds import Table

_HEAD = """\
<!-- written from the table of keys; `python -m tests.unit.parse.services` writes it again -->
# endwell.toml

Several services in one container, for `endwell up`. The JSON schema is [beside this
page](endwell.schema.json) and printed by `endwell schema`; `endwell plan` shows what a file means without
starting anything.

```toml
{example}```

A key that begins with `x-` is yours and is passed over. Everything else that is not on this page is an
error, with file and line; all errors are told at once.

**Lengths of time** are `10s`, `1m30s`, `500ms`, or a number of seconds. **Commands** are split into words
as a shell does, but no shell runs them; write `sh -c '...'` where you want one, and `exec` in it.

**Variables.** In every text of the file, `$NAME` and `${{NAME}}` stand for variables of the environment
in which endwell runs, as in compose: `${{NAME:-default}}`, `${{NAME:?what is missing}}`,
`${{NAME:+instead}}`, and `$$` for one dollar sign. They are replaced before anything else is read, so
that a number, a length of time or a command may come from one. Keys, names of services, env-files and
what a service prints are left as they are. One that is not set becomes nothing, with a warning.
`${{ENDWELL_REPLICA}}` is the number of the replica, from 1. A service with several replicas has it in its
environment, too.

**Replicas** are alike but for `[services.NAME.replica.N]`, whose keys are put over those of the service.

**Defaults.** What a service does not say is taken from `[defaults]`; tables, such as `environment` and
`logs`, are put together key by key.
"""
EXAMPLE = """\
exit-when = "any-fails"

[stop]
grace = "30s"                       # what docker stop --time or Kubernetes gives

[defaults]
restart = "on-failure:5"
environment = { TZ = "UTC" }

[services.db]
command = "postgres -D /data"
user = "postgres"
ready = "exec:pg_isready -q"
stop-signal = "INT"
stop-timeout = "10s"

[services.migrate]
command = "python -m app migrate"
restart = "no"
after = ["db:ready"]
stop-timeout = "2s"

[services.web]
command = "gunicorn --bind :${PORT:-8000} app:app"
after = ["db:ready", "migrate:completed"]
ready = { test = "http://localhost:${PORT:-8000}/ready", timeout = "30s" }
health = "http://localhost:${PORT:-8000}/health"
drain = "3s"

[services.worker]
command = ["celery", "-A", "app", "worker"]
after = ["db:ready"]
replicas = 2
env-file = "worker.env"
logs = { stdout = "/var/log/worker-${ENDWELL_REPLICA}.log", max-size = "50m", keep = 3 }

[services.worker.hooks]
after-stop = "upload-logs /var/log"
timeout = "5s"
"""


def services_page() -> str:
    """Return the page."""
    lines = [_HEAD.format(example=EXAMPLE)]
    for title, of, about in _SECTIONS:
        lines += [f"## {title}", "", *([about, ""] if about else []), *_rows(of), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


_SECTIONS: tuple[tuple[str, Table, str], ...] = (
    ("The file", table.PROJECT, ""),
    (
        "[stop]",
        table.STOP,
        "One budget for the whole container: every time-out is cut to what is left of it.",
    ),
    (
        "[control]",
        table.CONTROL,
        "So do `endwell up --socket` and `ENDWELL_SOCKET`. What is spoken there: [control](control.md).",
    ),
    (
        "[services.NAME]",
        table.SERVICE,
        "Only `command` is needed. Names are letters, digits, `-` and `_`; no white space and no `/`.",
    ),
    (
        "restart",
        tables.RESTART,
        '`on-failure:5` stands for `{ condition = "on-failure", max-attempts = 5 }`.',
    ),
    ("start", tables.START, ""),
    ("delay", tables.DELAY, "A length of time for `delay` is its `first`."),
    ("ready", tables.READY, "A text stands for `test`."),
    ("health", tables.HEALTH, "A text stands for `test`."),
    (
        "logs",
        tables.LOGS,
        (
            "A text stands for `stdout`: `container` (its own output), `none`, or a path. What is said here "
            "holds for both streams; what is said in `stdout` or `stderr` for one."
        ),
    ),
    ("logs.stdout, logs.stderr", tables.LOG, "Instead of a text."),
    ("hooks", tables.HOOKS, ""),
    ("a hook", tables.HOOK, "Instead of a text or a list of words."),
    ("a limit", tables.LIMIT, "Instead of `1024`, `1024:2048` or `unlimited`."),
)


def _rows(of: Table) -> Iterator[str]:
    yield "| key | what it says | value | without it |"
    yield "|---|---|---|---|"
    for key in of.keys:
        default = "it is needed" if key.needed else key.default
        cells = (f"`{key.name}`", key.summary, key.kind.says, default)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
