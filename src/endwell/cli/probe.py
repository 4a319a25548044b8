"""`endwell probe`: stop a container for real, and say whether it ended well."""

from __future__ import annotations

import argparse
import errno
import sys

from endwell.cli.parser import fail

NAME = "endwell probe"

DESCRIPTION = """\
Run a program as PID 1 of a container, stop it the way an engine does, and watch
every process from the kernel's side: who was told, who handled, ignored or never
heard the signal, who was killed. Prints a verdict, what is wrong, what to do next,
and a timeline."""

EXAMPLES = """\
examples:
  endwell probe -- ./run.sh
      as PID 1 of a fresh PID namespace on this machine; no engine is needed

  endwell probe --image app:1 --ready tcp:8080 --http http://localhost:8080/
      an image, stopped by Docker while it answers requests: which were lost?

  endwell probe --container web --grace 30s
      a container that runs already; this really stops it

  endwell probe --init -- ./run.sh
      the same program behind endwell-init

  endwell probe --json -- ./run.sh | jq .findings
  endwell probe --html report.html --junit report.xml -- ./run.sh

exit status: 0 it ends well, 1 it does not, 2 it could not be run or observed"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.usage = (
        "endwell probe [options] [--] CMD [ARG ...]\n"
        "       endwell probe [options] --image IMAGE [CMD [ARG ...]]\n"
        "       endwell probe [options] --container NAME"
    )
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER, help="what to run as PID 1")
    for title, options in OPTIONS.items():
        group = parser.add_argument_group(title)
        for words, keywords in options:
            group.add_argument(*words, **keywords)  # type: ignore[arg-type]


OPTIONS: dict[str, tuple[tuple[tuple[str, ...], dict[str, object]], ...]] = {
    "what to stop": (
        (("--image",), {"metavar": "IMAGE", "help": "make a container of this image"}),
        (("--container",), {"metavar": "NAME", "help": "take one that runs already; it is stopped for real"}),
        (
            ("--engine",),
            {
                "choices": ("local", "docker", "podman"),
                "help": "who runs it (default: local for a command, docker for images and containers)",
            },
        ),
        (
            ("--init",),
            {
                "nargs": "?",
                "const": "",
                "metavar": "INIT",
                "help": "put an init in front, written as one word with =, as in --init='tini -g --' "
                "(default endwell-init)",
            },
        ),
        (("--entrypoint",), {"metavar": "WORDS", "help": "instead of the image's"}),
        (
            ("-e", "--env"),
            {"action": "append", "default": [], "metavar": "NAME=VALUE", "help": "set a variable"},
        ),
        (("-w", "--workdir"), {"metavar": "DIRECTORY", "help": "the working directory"}),
        (("-u", "--user"), {"metavar": "USER[:GROUP]", "help": "who it runs as"}),
        (("-t", "--tty"), {"action": "store_true", "help": "give it a terminal"}),
        (("-i", "--interactive"), {"action": "store_true", "help": "keep its standard input open"}),
        (("--network",), {"metavar": "NETWORK", "help": "the engine's network (default: the engine's own)"}),
    ),
    "when to stop it": (
        (
            ("--ready",),
            {
                "metavar": "WHAT",
                "default": "",
                "help": "log:REGEX, tcp:PORT, http:URL, exec:CMD, file:PATH or sleep:TIME (default: it "
                "listens on a port, or has settled)",
            },
        ),
        (
            ("--ready-timeout",),
            {"metavar": "TIME", "default": "30s", "help": "how long to wait for that (default 30s)"},
        ),
        (("--after",), {"metavar": "TIME", "default": "0", "help": "wait this long between ready and stop"}),
        (
            ("--exec",),
            {
                "action": "append",
                "default": [],
                "metavar": "[TIME:]CMD",
                "help": "run a command inside before the stop, or at a time relative to it: --exec 1s:CMD, "
                "--exec=-1s:CMD; a plain word before the first colon is the time. What it prints is in the "
                "report. May be given again",
            },
        ),
    ),
    "how to stop it": (
        (
            ("--signal",),
            {
                "metavar": "SIGNAL",
                "help": "the stop signal (default: the image's, or TERM); KILL is the same as --kill",
            },
        ),
        (
            ("--grace",),
            {"metavar": "TIME", "help": "until it is killed (default: the container's, or 10s)"},
        ),
        (("--twice",), {"action": "store_true", "help": "send the stop signal a second time after 0.5 s"}),
        (("--kill",), {"action": "store_true", "help": "SIGKILL at once, as docker kill does"}),
    ),
    "traffic across the stop": (
        (("--http",), {"metavar": "URL", "help": "keep HTTP/1.1 requests on it and count what was lost"}),
        (("--http2",), {"metavar": "URL", "help": "the same with HTTP/2 (prior knowledge)"}),
        (("--tcp",), {"metavar": "HOST:PORT", "help": "keep connections on it"}),
        (("--http-slow",), {"metavar": "URL", "help": "a URL that takes long, to have one in flight"}),
        (
            ("--rate",),
            {
                "metavar": "N",
                "type": float,
                "default": 50.0,
                "help": "requests a second, after the stop new connections (default 50; --tcp: at most 10)",
            },
        ),
    ),
    "how to watch, how often": (
        (
            ("--observer",),
            {
                "choices": ("auto", "tracefs", "seccomp"),
                "default": "auto",
                "help": "tracefs needs root and sees everything; seccomp needs nothing",
            },
        ),
        (
            ("--repeat",),
            {"type": int, "default": 1, "metavar": "N", "help": "probe N times, and compare the findings"},
        ),
        (
            ("--control",),
            {"action": "store_true", "help": "once more unobserved: did watching change the outcome?"},
        ),
    ),
    "what to print": (
        (("--json",), {"action": "store_true", "help": "the report as JSON on stdout (endwell.report/1)"}),
        (("--html",), {"metavar": "FILE", "help": "write a page to look at"}),
        (("--junit",), {"metavar": "FILE", "help": "write JUnit XML"}),
        (("--sarif",), {"metavar": "FILE", "help": "write SARIF 2.1.0"}),
        (("--trace",), {"metavar": "FILE", "help": "write a trace for Perfetto or chrome://tracing"}),
        (("-q", "--quiet"), {"action": "store_true", "help": "no progress on stderr"}),
    ),
}

# Our own long options.
OWN = frozenset(
    word for group in OPTIONS.values() for words, _ in group for word in words if word.startswith("--")
)
# What helps against errors of the system that only a limit or a permission explains.
STEPS = {
    "; see ulimit -a": {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN},
    "; free space": {errno.ENOSPC, errno.EDQUOT},
    "; see its permissions": {errno.EACCES, errno.EPERM},
}


def run(options: argparse.Namespace) -> int:
    """Probe, print, and return the exit status."""
    from functools import partial  # noqa: PLC0415  --help needs none of it

    from endwell.cli import interrupts  # noqa: PLC0415
    from endwell.cli.probing import output, series, words  # noqa: PLC0415
    from endwell.engine.protocol import EngineError  # noqa: PLC0415
    from endwell.probe.load.options import LoadError  # noqa: PLC0415
    from endwell.probe.observer import ObserverError  # noqa: PLC0415

    try:
        with interrupts.raising():
            plan = words.read_plan(options)
            if theirs := words.misplaced(options, OWN):
                print(
                    f"{NAME}: note: {theirs} behind the command is the command's own; write it before the "
                    "command, or -- before the command",
                    file=sys.stderr,
                )
            output.check_files(options)
            return series.run(plan, options, partial(output.show, options=options))
    except interrupts.InterruptedByUser as interrupted:
        print(f"{NAME}: interrupted; nothing is left behind", file=sys.stderr)
        return 128 + interrupted.number
    except (ValueError, EngineError, LoadError, ObserverError) as error:
        return fail(NAME, _in_one_line(str(error)))
    except OSError as error:
        # Too many open files, no memory: nothing that a part of ours could have foreseen.
        what = f"{error.filename}: " if error.filename else ""
        step = next((step for step, numbers in STEPS.items() if error.errno in numbers), "")
        return fail(NAME, _in_one_line(f"cannot go on: {what}{error.strerror or error}{step}"))


def _in_one_line(text: str) -> str:
    """Write names that hold line ends or worse so that they do no harm."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
