"""Every option in both spellings, and everything that is no option: one line says what, why and what next."""

from __future__ import annotations

import os

import pytest

from tests.init.support import Ended, run

OPTIONS = {
    "--grace": ("10s", "0", "1m30s", "none", "1.5", "500ms", "8784h"),
    "--drain": ("3s", "0"),
    "--main-timeout": ("3s", "0"),
    "--to": ("main", "group", "tree"),
    "--stop-signal": ("QUIT", "SIGQUIT", "sigquit", "3", "RTMIN+3", "SIGRTMAX-1", "64"),
    "--rewrite": ("TERM:QUIT", "15:3", "SIGHUP:0", "TERM:KILL", "RTMIN:RTMAX", "CONT:USR1"),
    "--wait": ("main", "tree"),
    "--before-stop": ("true", "echo $HOME"),
    "--after-main": ("true", "echo $HOME"),
    "--after-exit": ("true", "echo $HOME"),
    "--hook-timeout": ("3s", "0"),
    "--exit-map": ("143=0", "0=255", "007=1"),
    "--report": ("fd:2", "-"),
    "--subreaper": ("auto", "never"),
    "--parent-death": ("TERM", "KILL", "9"),
}
TIMES = (
    *("", "-1", "-1s", "+1", "1 s", " 1", "1s ", "s", ".", ".s", "1x", "1S", "1d", "9000h", "1e9", "0x10"),
    *("999999999999999999999",),
)
SIGNALS = (
    *("", "0", "65", "-1", "NOPE", "SIG", "SIG15", "TERM ", "SIGSIGTERM"),
    *("RTMIN-3", "RTMIN+31", "RTMAX-33", "RTMAX+1", "RTMIN+"),
)
BAD = {
    "--grace": (*TIMES, "None", "never"),
    "--drain": (*TIMES, "none"),
    "--main-timeout": (*TIMES, "none"),
    "--to": ("", "all", "Main", "main "),
    "--stop-signal": (*SIGNALS, "KILL", "9", "STOP", "CHLD"),
    "--rewrite": (
        *("", "TERM", ":", "TERM:", ":TERM", "TERM:NOPE", "NOPE:TERM", "TERM:65", "0:TERM", "TERM:QUIT:INT"),
        *("KILL:TERM", "STOP:TERM", "9:15", "CHLD:TERM", "TERM=QUIT", "TERM:-1"),
    ),
    "--wait": ("", "all", "Tree"),
    "--before-stop": ("",),
    "--after-main": ("",),
    "--after-exit": ("",),
    "--hook-timeout": (*TIMES, "none"),
    "--exit-map": ("", "=", "143", "143=", "=0", "143:0", "256=0", "0=256", "-1=0", "x=0", "143=0=0"),
    "--report": (
        *("", "fd:", "fd:x", "fd:-1", "fd:99", "fd:99999999999"),
        *("/no/such/folder/report.json", "/dev/null/report"),
    ),
    "--subreaper": ("", "always", "AUTO"),
    "--parent-death": SIGNALS,
}


def refused(ended: Ended, *words: str) -> None:
    """It refused in one line with these words and a next step, with 125, and started nothing."""
    assert ended.status == 125, ended
    assert ended.out == ""
    assert ended.err.startswith("endwell-init: ")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith("\n")
    assert len(ended.err) < 220
    assert ";" in ended.err, "a next step stands behind a semicolon"
    for word in words:
        assert word in ended.err


COMMAND = ("echo", "started")


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option in OPTIONS for value in OPTIONS[option]]
)
def test_both_spellings_are_accepted(option: str, value: str) -> None:
    for words in ((option, value), (f"{option}={value}",)):
        for dashes in ((), ("--",)):
            ended = run(*words, *dashes, *COMMAND)
            assert ended.status == (255 if value == "0=255" else 0), ended
            assert ended.out.startswith("started\n")


@pytest.mark.parametrize(("option", "value"), [(option, value) for option in BAD for value in BAD[option]])
def test_bad_values_are_refused_in_one_line(option: str, value: str) -> None:
    for words in ((option, value), (f"{option}={value}",)):
        refused(run(*words, "--", *COMMAND), option, f"'{value}'")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_value_is_missing(option: str) -> None:
    refused(run(option), option, "needs a value", "--help")


@pytest.mark.parametrize(
    "word",
    [
        *("-x", "-g", "-vh", "-h=", "---", "--x"),
        *("--gracious=3", "--grac=3", "--grace-=3", "--help=1", "--verbose=1"),
    ],
)
def test_unknown_options(word: str) -> None:
    refused(run(word, *COMMAND), f"'{word}'", "--help")


@pytest.mark.parametrize("words", [(), ("--",), ("--grace", "1s"), ("-v", "--")])
def test_no_command(words: tuple[str, ...]) -> None:
    refused(run(*words), "no command", "endwell-init [options] -- command")


@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_an_empty_command(dashes: tuple[str, ...]) -> None:
    ended = run(*dashes, "")
    assert ended.status == 127
    assert ended.err.count("\n") == 1
    assert "''" in ended.err


def test_a_dash_is_a_command_of_that_name() -> None:
    assert run("-").status == 127


def test_options_end_at_the_first_word_that_is_none() -> None:
    shows = ("sh", "-c", 'echo "$0 $*"')
    assert run(*shows, "-v", "--grace", "x", "--", "-h").out == "-v --grace x -- -h\n"
    assert run("--", *shows, "--", "-V").out == "-- -V\n"
    assert run("-v", "--", *shows, "--help").out == "--help \n"


def test_a_command_that_looks_like_an_option() -> None:
    ended = run("--", "-v")
    assert (ended.status, ended.out) == (127, "")
    assert "'-v'" in ended.err


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_fits_on_one_screen(word: str) -> None:
    ended = run(word)
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 80
    for option in OPTIONS:
        assert f"  {option} " in ended.out
    for option in ("-v, --verbose", "-h, --help", "-V, --version", "ENDWELL_GRACE", "125"):
        assert option in ended.out


@pytest.mark.parametrize("word", ["-V", "--version"])
def test_version(word: str) -> None:
    ended = run(word, "ignored")
    assert (ended.status, ended.err) == (0, "")
    name, _, version = ended.out.partition(" ")
    assert name == "endwell-init"
    assert version.replace(".", "").strip().isdecimal()


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--grace", "10s", "--drain", "10s"), "--drain"),
        (("--grace", "10s", "--drain", "1m"), "--drain"),
        (("--drain", "3s", "--grace", "2s"), "--drain"),
        (("--grace", "10s", "--main-timeout", "10s"), "--main-timeout"),
        (("--grace", "10s", "--drain", "6s", "--main-timeout", "5s"), "--main-timeout"),
        (("--grace", "10s", "--after-exit", "true", "--hook-timeout", "10s"), "--hook-timeout"),
        (("--grace=10s", "--after-exit=true", "--hook-timeout=6s", "--drain=5s"), "--hook-timeout"),
        (("--grace", "10s", "--drain", "9.6s"), "--drain"),  # the last half second is for the kill
        (("--grace", "10s", "--after-exit", "true", "--drain", "8s"), "--hook-timeout"),  # its quarter
    ],
)
def test_a_budget_that_does_not_fit(words: tuple[str, ...], option: str) -> None:
    refused(run(*words, "--", *COMMAND), option, "grace")


def test_a_budget_without_a_grace_always_fits() -> None:
    for words in (("--drain", "1h"), ("--grace", "none", "--drain", "1h", "--main-timeout", "2h")):
        assert run(*words, "--", *COMMAND).status == 0


def test_grace_from_the_environment() -> None:
    def given(value: str, *words: str) -> Ended:
        return run(*words, "--report", "-", "--", "true", environment={"ENDWELL_GRACE": value})

    assert '"given":90.000' in given("1m30s").out
    assert '"given":null' in given("none").out
    assert '"given":null' in given("").out
    assert '"given":2.000' in given("1m30s", "--grace", "2s").out
    refused(given("ten"), "ENDWELL_GRACE", "'ten'")
    refused(given("-1s"), "ENDWELL_GRACE", "'-1s'")
    refused(given("5s", "--drain", "6s"), "--drain")


def test_the_last_of_two_values_counts() -> None:
    ended = run("--grace", "1s", "--grace=3s", "--report", "-", "--", "true")
    assert '"given":3.000' in ended.out


def test_nobody_reads_what_it_says() -> None:
    for word in ("--help", "--version", "--nope"):
        closed = run(word, prepare=_close_all)
        assert closed.status == (125 if word == "--nope" else 0)


def _close_all() -> None:
    os.closerange(0, 3)
