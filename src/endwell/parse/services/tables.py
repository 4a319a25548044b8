"""The tables within a service of endwell.toml: every key, what it says, what holds without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.readiness import Condition, Unhealthy
from endwell.model.service import Prefix, Stream, WhenBlocked
from endwell.parse import words
from endwell.parse.services.compounds import Command, Either, Key, Pairs, Several, Table
from endwell.parse.services.kinds import UNLIMITED, Length, Share, Size, Switch, Text, Whole, choice

if TYPE_CHECKING:
    from endwell.model.restart import Restart

_MANY = 1_000_000
INFINITE = float("inf")


def _condition(value: str) -> Restart:
    when, limit = words.restart(value)
    if limit is not None:
        raise ValueError("has a limit: write it as max-attempts beside the condition")
    return when


def _count(value: str) -> int | None:
    if value in UNLIMITED:
        return None
    if not value.isascii() or not value.isdigit() or int(value[:9]) > _MANY:
        raise ValueError("is not a number of times: write for example 3, or unlimited")
    return int(value)


TEST = "tcp:PORT, tcp:HOST:PORT, http://..., exec:COMMAND or file:PATH"
READY_TEST = "notify, fd:3, log:EXPRESSION, " + TEST
_COUNT = Text("a number, or unlimited", _count, ("3", "unlimited"), numbers=True)
PATH = Text("a path", str, filled=True)

DELAY = Table(
    (
        Key("first", Length(), "the first pause", "100ms"),
        Key("factor", Share(1000, "a number from 0 to 1000"), "by which it grows with each further one", "2"),
        Key("step", Length(), "what is added with each further one", "0s"),
        Key("most", Length(INFINITE), "never longer than this", "1m"),
        Key("jitter", Share(), "the share of it by which it may be shortened at random", "0"),
    ),
    "a table that says how it grows",
)
_PAUSE = Either(Length(), DELAY)
RESTART = Table(
    (
        Key(
            "condition",
            Text(
                "no, on-failure, always or unless-stopped",
                _condition,
                choices=("no", "on-failure", "always", "unless-stopped"),
            ),
            "after which kind of end",
            "no",
        ),
        Key("max-attempts", _COUNT, "restarts in a row after which it is left alone", "unlimited"),
        Key(
            "success",
            Several(Whole(0, 255), "a list of exit statuses", alone=True),
            "the exit statuses that are no failure",
            "0",
        ),
        Key("delay", _PAUSE, "the pause before it; it doubles", "100ms"),
        Key("window", Length(), "a life this long makes past failures forgotten", "10s"),
    ),
    "a table",
    {
        "policy": "did you mean condition?",
        "name": "did you mean condition?",
        "limit": "did you mean max-attempts?",
    },
)
START = Table(
    (
        Key("window", Length(), "it has to live longer than this to count as started", "0s"),
        Key("retries", _COUNT, "failed starts in a row after which it is given up", "as restart says"),
        Key("delay", _PAUSE, "the pause before it is tried again", "as with restart"),
    )
)
READY = Table(
    (
        Key(
            "test", Text(READY_TEST, words.readiness, ("tcp:5432", "notify")), "how it is known", needed=True
        ),
        Key("timeout", Length(INFINITE), "the start has failed after that", "unlimited"),
        Key("every", Length(pause=True), "between two questions", "100ms"),
    ),
    "a table",
    {"interval": "did you mean every?", "retries": "say how long it may take, with timeout"},
)
HEALTH = Table(
    (
        Key("test", Text(TEST, words.health, ("http://localhost/health",)), "how it is asked", needed=True),
        Key("interval", Length(pause=True), "between two questions", "30s"),
        Key("timeout", Length(), "after which a question is answered in the negative", "30s"),
        Key("start-period", Length(), "after the start, in which failures do not count", "0s"),
        Key("retries", Whole(1, _MANY), "failures in a row that make it unhealthy", "3"),
        Key("then", choice(Unhealthy), "what is done with it", "restart"),
    ),
    "a table",
    {"every": "did you mean interval?", "disable": "leave health out to have none"},
)
_MARKS = (
    Key("prefix", choice(Prefix), "how each line says who has written it", "name"),
    Key("strip-colors", Switch(), "whether the escape sequences of colors are left out", "false"),
    Key("when-blocked", choice(WhenBlocked), "what becomes of output while nobody takes it", "block"),
)
_ROTATION = (
    Key("max-size", Size(), "a file is put aside before it grows larger", "unlimited"),
    Key("every", Length(INFINITE), "and after this long, by the calendar: 24h is at midnight", "unlimited"),
    Key("keep", Whole(0, _MANY), "how many files put aside are kept", "10"),
    Key("compress", Switch(), "whether they are compressed with gzip", "false"),
)
LOG = Table(
    (
        Key("path", PATH, "a file"),
        Key(
            "container",
            choice(Stream),
            "which of the container's own outputs, if there is no path",
            "the same",
        ),
        Key("discard", Switch(), "whether it goes nowhere", "false"),
        Key("temporary", Switch(), "whether the file is emptied when endwell starts", "false"),
        *_MARKS,
        *_ROTATION,
    ),
    "a table",
)
LOGS = Table(
    (
        Key(
            "stdout",
            Either(Text("container, none or a path", str, filled=True), LOG),
            "where it goes",
            "container",
        ),
        Key(
            "stderr",
            Either(Text("stdout, container, none or a path", str, filled=True), LOG),
            "where it goes",
            "stdout",
        ),
        *_MARKS,
        *_ROTATION,
    ),
    "a table",
    {"driver": "there is one only; see stdout", "max-file": "did you mean keep?", "options": "leave it out"},
)
HOOK = Table(
    (
        Key("command", Command(), "what is run; no shell", needed=True),
        Key("timeout", Length(), "after which it is killed", "that of hooks"),
    )
)
_HOOKS = Several(
    Either(Command("a command"), HOOK),
    "a command, or a list of commands, each of them a text or a table",
    alone=True,
)
HOOKS = Table(
    (
        Key("before-start", _HOOKS, "if one of them fails, that is a failed start"),
        Key("after-start", _HOOKS, "once it is ready; nobody waits for them"),
        Key("before-stop", _HOOKS, "while it still serves; it is told to end when they are done"),
        Key("after-stop", _HOOKS, "after every end of its process"),
        Key("timeout", Length(), "after which each is killed", "10s"),
    )
)
LIMIT = Table(
    (
        Key("soft", Text("a number or unlimited", words.limit, numbers=True), "what holds", needed=True),
        Key(
            "hard",
            Text("a number or unlimited", words.limit, numbers=True),
            "how far it may be raised",
            "soft",
        ),
    )
)
LIMIT_VALUE = Either(
    Text("a number, SOFT:HARD or unlimited", words.limit, ("1024:2048", "unlimited"), numbers=True), LIMIT
)
AFTER = Either(
    Several(
        Text("NAME, NAME:ready or NAME:completed", words.dependency, ("db:ready",)), "a list", alone=True
    ),
    Pairs(choice(Condition), 'a table such as { db = "ready" }'),
)
