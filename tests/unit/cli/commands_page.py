"""The reference page of the commands that talk to a running `endwell up`, made of their own help."""

from __future__ import annotations

from endwell.cli.commands import BY_NAME
from endwell.cli.main import command_parser

NAMES = ("ps", "logs", "start", "stop", "restart", "kill", "top", "exec", "attach", "events", "reload")
_HEAD = """\
<!-- written from the help of the commands; `python -m tests.unit.cli` writes it again -->
# Commands for a running `endwell up`

Words, options and output are docker's, of services instead of containers. From outside of a container, put
`docker exec NAME` in front, or `kubectl exec POD --`.

| command | what it does |
|---|---|
{table}

**Which supervisor.** `--socket PATH`, else `ENDWELL_SOCKET`, else the first that is found of
`/run/endwell.sock`, `$XDG_RUNTIME_DIR/endwell.sock`, `/tmp/endwell-UID.sock` and the abstract name
`@endwell-UID`; that is where `endwell up` makes it unless it is told another place. One that was only found
has to belong to the same user or to root. `endwell up --socket none` makes none.

**Which services.** `web` is all replicas of web, `web-2` its second one, `group:program` and `group:*` are
supervisord's words, and `all` is all. What takes several services takes all of them where none is named and
nothing is changed: `ps`, `logs`, `top`.

**Exit status.** 0, or 1 when something could not be done, with a line on stderr for each thing; 2 for words
that make no sense; 130 after Ctrl-C. `exec` and `attach` end as what they run or watch.

**JSON.** `--json` prints one document with its `schema`, such as `endwell.ps/1`; `logs`, `events`, `attach`
and `top -f` print one object a line. Keys may be added; none will be renamed. What the keys mean is said with
the [control protocol](control.md), whose answers they are. Times are seconds since 1970.
"""


def commands_page() -> str:
    """Return the page."""
    table = "\n".join(f"| [`endwell {name}`](#endwell-{name}) | {BY_NAME[name].summary} |" for name in NAMES)
    return "\n".join([_HEAD.format(table=table), *map(_section, NAMES)])


def _section(name: str) -> str:
    text = command_parser(BY_NAME[name]).format_help().rstrip()
    return f"## endwell {name}\n\n```text\n{text}\n```\n"
