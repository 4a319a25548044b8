"""endwell.rules: what is found in each story, how it is said, and that no rule goes without."""

from __future__ import annotations

import re

import pytest

from endwell.cli.commands import BY_NAME
from endwell.model.finding import Ending, Severity, Verdict
from endwell.rules import RULES, judge
from tests.unit.rules.stories import STORIES, Told

stories = pytest.mark.parametrize("told", STORIES, ids=[told.name for told in STORIES])


@stories
def test_story(told: Told) -> None:
    report = told.tell().judge()
    found = " ".join(one.rule + "!" * (one.severity is Severity.ERROR) for one in report.findings)
    assert (found, report.ending) == (told.found, told.ending)
    unknown = told.about == "EW901" and bool(told.found)
    bad = Verdict.UNKNOWN if unknown else Verdict.BADLY if "!" in told.found else Verdict.WELL
    assert report.verdict is bad


@stories
def test_is_said_in_one_plain_line_each(told: Told) -> None:
    report = told.tell().judge()
    alive = {process.pid for process in report.processes}
    for finding in report.findings:
        for text in (finding.message, finding.next):
            assert text.isprintable()
            assert text == text.strip(". \n")
            assert "None" not in text
            assert "  " not in text
            assert "<" not in text
        assert set(finding.pids) <= alive
        assert list(finding.pids) == sorted(set(finding.pids))


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_every_rule_has_a_story_and_a_near_miss(code: str) -> None:
    mine = [told for told in STORIES if told.about == code]
    assert any(code in told.found for told in mine)
    assert any(code not in told.found for told in mine)


def test_judges_the_same_twice() -> None:
    for told in STORIES:
        assert judge(told.tell().timeline()) == judge(told.tell().timeline())


def test_a_partial_ending_can_be_a_good_one() -> None:
    report = next(told for told in STORIES if told.name == "sleep_in_the_background").tell().judge()
    assert (report.ending, report.verdict) == (Ending.PARTIAL, Verdict.WELL)


SEVERAL = (
    'put an init in front, which tells everybody: ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]; or '
    "start each of them in the background, tell them all and wait: "
    'trap \'kill "$first" "$second"; wait\' TERM; '
    "or run one program per container"
)
NEXT = {
    "su_kills_the_program_after_two_seconds": (
        "use `setpriv` or `gosu` instead of su: they become the program"
    ),
    "supervised_nginx_told_term": "let the supervisor send SIGQUIT; in supervisord.conf: stopsignal=QUIT",
    "crashes_at_its_start": (
        "it printed nothing: look into its log files, or let it say on standard error why it crashed"
    ),
    "fails_at_its_start_and_says_why": "read in the last lines of its output why it failed at its start",
    "pipe_in_a_shell": (
        'put an init in front, which tells everybody: ENTRYPOINT ["endwell-init", "--grace", "500ms", "--"]; '
        "or do without the pipe: then the program can be PID 1 itself"
    ),
    "two_programs_in_a_shell": SEVERAL,
    "script_with_a_whole_tree_behind_it": SEVERAL,
    "python_script_in_a_shell": (
        'name the program without a shell, CMD ["./app", "-v"], or write `exec ./app -v` in it'
    ),
    "python_script_in_a_script": (
        "write `exec` in front of /srv/app where /entrypoint.sh starts it: then it is PID 1 itself"
    ),
    "tini_and_a_shell_with_two_programs": (
        "take an init that tells everybody instead of tini: "
        'ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]'
    ),
    "trap_and_a_python_script_in_the_foreground": (
        "start it in the background and wait: `./app & wait $!`, and let the trap tell it"
    ),
    "daemon_that_nobody_knows": (
        "run it in the foreground, or put an init in front that tells everybody: "
        'ENTRYPOINT ["endwell-init", "--grace", "30s", "--"]'
    ),
    "trap_that_runs_too_long": (
        "shorten what the trap does and let it end with `exit`, or raise the grace period (docker run "
        "--stop-timeout, terminationGracePeriodSeconds)"
    ),
    "daemon_and_a_tail": (
        'put an init in front: ENTRYPOINT ["endwell-init", "--grace", "10s", "--"], or make the service '
        "itself the main command: nginx (3) has to be told, not tail"
    ),
}


@pytest.mark.parametrize("name", NEXT)
def test_next_step(name: str) -> None:
    told = next(told for told in STORIES if told.name == name)
    assert told.tell().judge().findings[0].next == NEXT[name]


SAID = {
    "shell_form": (
        (
            "PID 1 is the shell `sh -c 'python3 app.py; true'`: it has no handler for SIGTERM and passed it "
            "on to nobody, so python3 (2) never heard of the stop"
        ),
        'name the program without a shell, CMD ["python3", "app.py"], or write `exec python3 app.py` in it',
    ),
    "script_with_a_whole_tree_behind_it": (
        (
            "PID 1 is the script /entrypoint.sh, run by bash: it has no handler for SIGTERM and passed it on "
            "to nobody, so app (2), app (3) and sleep (4) never heard of the stop"
        ),
        SEVERAL,
    ),
    "shell_leaves_without_a_word": (
        "python3 (2) was never told: it was killed when PID 1 (sh) left",
        (
            'tell python3 and wait: trap \'kill "$child"; wait "$child"\' TERM; or put an init in front that '
            'tells everybody: ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]'
        ),
    ),
    "npm_tells_its_shell": (
        (
            "PID 1 is the wrapper `npm start`: it got SIGTERM and passed it on to sh (2) only; node (3) "
            "never heard of the stop"
        ),
        (
            'start the program itself: CMD ["node", "server.js"], or write `exec` in front of the command '
            "that npm runs"
        ),
    ),
    "nginx_told_term": (
        (
            "PID 1 (nginx) was sent SIGTERM, but finishes its work on SIGQUIT (SIGTERM: ends at once and "
            "cuts the requests in flight)"
        ),
        "write STOPSIGNAL SIGQUIT in the Dockerfile (compose: stop_signal: SIGQUIT)",
    ),
    "waits_for_a_slow_worker": (
        (
            "PID 1 (app) was sent SIGTERM, but had not ended when the grace period of 10 s was over: the "
            "engine killed it; app (2) was still ending"
        ),
        (
            "let it give up what it waits for before the grace period is over, or raise the grace period "
            "(docker run --stop-timeout, terminationGracePeriodSeconds)"
        ),
    ),
    "connections_accepted_and_reset": (
        (
            "70 of 77 new connections to http://127.0.0.1:8080/ were accepted after the stop and then lost: "
            "70 reset"
        ),
        (
            "go on serving until the load balancer knows: endwell-init --drain 5s in front, or a preStop "
            "sleep in Kubernetes"
        ),
    ),
    "goes_to_the_background": (
        "PID 1 (nginx) ended with status 0, while nginx (2) went on behind it, before it was asked to stop",
        'run nginx in the foreground (nginx -g "daemon off;" or `daemon off;` in the config)',
    ),
}


IN_MESSAGE = {
    "trap_that_runs_too_long": "the engine killed it; its trap was still busy with sleep (5)",
    "trap_that_runs_too_long_told_twice": "; its trap was still busy with sleep (5)",
    "trap_that_does_not_end_the_loop": "; it had caught the signal, but went on as before, with sleep (3)",
    "told_too_late": "app (2) was told to end and cut short 90 ms later: PID 1 (app) left without waiting",
    "ends_by_itself_without_having_heard": "discarded it: it ended by itself 2.8 s later",
    "ignores_the_signal_and_ends_by_itself": "ignored SIGTERM and ended by itself 2.8 s later",
    "file_of_several_at_a_kill": (
        "PID 1 (nginx), nginx (2) and nginx (3) were killed and had /data/a.log (ends in half a line) "
        "open for writing"
    ),
    "many_zombies_of_a_moment": "7 more had ended and were never collected by PID 1 (app), for up to 300 ms",
    "command_that_never_succeeded": "(app) was never ready: `pg_isready -q` did not succeed within 500 ms",
    "never_settled": "PID 1 (app) was never ready: it neither listened nor came to rest within 30 s",
    "port_that_never_came": "PID 1 (app) was never ready: tcp:8080 did not come within 2 s",
}


@pytest.mark.parametrize("name", IN_MESSAGE)
def test_message(name: str) -> None:
    told = next(told for told in STORIES if told.name == name)
    first = told.tell().judge().findings[0]
    assert IN_MESSAGE[name] in first.message


def test_names_only_commands_that_exist() -> None:
    texts = [rule.page for rule in RULES]
    texts += [finding.next for told in STORIES for finding in told.tell().judge().findings]
    named = {word for text in texts for word in re.findall(r'(?:\bendwell |"endwell", ")([a-z]+)', text)}
    assert named <= BY_NAME.keys()


@pytest.mark.parametrize("name", SAID)
def test_says(name: str) -> None:
    told = next(told for told in STORIES if told.name == name)
    first = told.tell().judge().findings[0]
    assert (first.message, first.next) == SAID[name]
