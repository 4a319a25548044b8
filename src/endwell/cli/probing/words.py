"""The words of `endwell probe` as a plan."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from endwell.model.durations import parse_duration
from endwell.model.programs import Kind, find_program
from endwell.model.signals import KILL, Signal
from endwell.model.spec import ContainerSpec
from endwell.model.timeline import Way
from endwell.probe.plan import Execution, Plan, inherited, working_directory
from endwell.probe.ready_check import parse_ready

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection

    from endwell.probe.load.options import LoadOptions

# More than this in a second the load itself cannot do.
MOST = 10_000.0


def read_plan(options: argparse.Namespace) -> Plan:
    """Return what the words ask for; ValueError for words that contradict each other or make no sense."""
    command = tuple(options.command[1:] if options.command[:1] == ["--"] else options.command)
    if options.image and options.container:
        raise ValueError("--image and --container exclude each other: name one")
    if options.container and (command or options.init is not None or options.entrypoint):
        raise ValueError("--container takes what runs already: no command, --init or --entrypoint")
    if not command and not options.image and not options.container:
        raise ValueError(
            "nothing to stop: give a command, --image or --container; see `endwell probe --help`"
        )
    signal = Signal.parse(options.signal) if options.signal else None
    # What cannot be handled is no request to end: to stop with it is to kill.
    kill = options.kill or signal == KILL
    if options.twice and kill:
        how = "--kill" if options.kill else "--signal KILL"
        raise ValueError(f"--twice and {how} exclude each other: SIGKILL needs no second one")
    if options.repeat < 1:
        raise ValueError(f"--repeat {options.repeat}: at least once")
    if options.container and (options.repeat > 1 or options.control):
        raise ValueError(
            "--container can be stopped once only: --repeat and --control need a command or --image"
        )
    engine = options.engine or ("docker" if options.image or options.container else "local")
    if engine == "local" and (options.image or options.container):
        raise ValueError("the local engine has neither images nor containers: use --engine docker or podman")
    if engine != "local" and not (options.image or options.container):
        raise ValueError(f"--engine {engine} needs --image or --container")
    parse_ready(options.ready)  # to complain now, and not when it runs
    grace = None if options.grace is None else parse_duration(options.grace)
    if engine != "local" and grace is not None and grace != int(grace):
        raise ValueError(f"--grace {options.grace}: {engine} takes whole seconds; round it")
    way = Way.TWICE if options.twice else Way.KILL if kill else Way.STOP
    return Plan(
        spec=read_spec(options, command, engine),
        engine=engine,
        container=options.container,
        observer=options.observer,
        ready=options.ready,
        ready_timeout=parse_duration(options.ready_timeout),
        after=parse_duration(options.after),
        signal=signal,
        grace=grace,
        way=way,
        executions=tuple(Execution.parse(text) for text in options.exec),
        load=read_load(options),
    )


def misplaced(options: argparse.Namespace, known: Collection[str]) -> str:
    """Return a word of the command that is one of our own options; nothing if `--` says that it is not."""
    for word in options.command:
        if word == "--":
            break
        if word.startswith("--") and word.partition("=")[0] in known:
            return str(word).partition("=")[0]
    return ""


def read_spec(options: argparse.Namespace, command: tuple[str, ...], engine: str) -> ContainerSpec:
    """Return the container to make."""
    local = engine == "local"
    environment = inherited() if local else {}
    for text in options.env:
        name, sign, value = text.partition("=")
        if not name:
            raise ValueError(f"--env {text!r} names no variable: write NAME=VALUE, or NAME to pass it on")
        if sign or name in os.environ:
            environment[name] = value if sign else os.environ[name]
    init, mounts = read_init(options.init)
    return ContainerSpec(
        command=command,
        image=options.image or "",
        entrypoint=None if options.entrypoint is None else split("--entrypoint", options.entrypoint),
        init=init,
        environment=environment,
        directory=working_directory(options.workdir or "") if local else options.workdir,
        user=options.user,
        terminal=options.tty,
        interactive=options.interactive,
        stop_signal=None,
        mounts=() if local else mounts,
        network=options.network,
    )


def read_init(text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of the init that --init asks for, and what an image has to be lent for it."""
    if text is None:
        return (), ()
    if text:
        words = split("--init", text)
        # What follows is the program's: an init would take its options for options of its own.
        return (*words, *(["--"] if _takes_options(words) else [])), ()
    from endwell.cli.init import find_binary  # noqa: PLC0415  only for --init

    binary = find_binary()
    if binary is None:
        raise ValueError("cannot find the program endwell-init: install endwell again, with pip")
    return (str(binary), "--"), (str(binary),)


def _takes_options(words: tuple[str, ...]) -> bool:
    """Whether an init is named by these words that would go on reading options."""
    program = find_program(words)
    return program is not None and program.kind is Kind.INIT and words[-1] != "--"


def split(option: str, text: str) -> tuple[str, ...]:
    """Return the words of an option as a shell would read them; ValueError for a quote that is left open."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"{option} {text!r}: {str(error).lower()}; close it, or escape it") from error


def read_load(options: argparse.Namespace) -> LoadOptions | None:
    """Return the traffic that is asked for; ValueError for two kinds, LoadError for a wrong target."""
    asked = [(kind, getattr(options, kind)) for kind in ("http", "http2", "tcp") if getattr(options, kind)]
    if len(asked) > 1:
        raise ValueError(f"--{asked[0][0]} and --{asked[1][0]} exclude each other: name one")
    if not asked:
        return None
    if not 0 < options.rate <= MOST:
        raise ValueError(f"--rate {options.rate:g}: give a number of requests a second, up to {MOST:g}")
    from endwell.probe.load.options import LoadOptions, http_target, tcp_target  # noqa: PLC0415  only with traffic

    kind, target = asked[0]
    slow = http_target(options.http_slow).path if options.http_slow else ""
    return LoadOptions(
        target=tcp_target(target)
        if kind == "tcp"
        else http_target(target, version=2 if kind == "http2" else 1),
        slow_path=slow,
        rate=options.rate,
    )
