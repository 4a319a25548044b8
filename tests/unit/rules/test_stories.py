"""endwell.rules: what is found in each story, how it is said, and that no rule goes without."""

from __future__ import annotations

import pytest

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


NEXT = {
    "su_kills_the_program_after_two_seconds": (
        "use `setpriv` or `gosu` instead of su: they become the program"
    ),
    "supervised_nginx_told_term": "let the supervisor send SIGQUIT; in supervisord.conf: stopsignal=QUIT",
    "crashes_at_its_start": "read the last lines of its output: it crashed",
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
        "write `exec app` as the last line of /entrypoint.sh: then the program is PID 1 itself",
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


@pytest.mark.parametrize("name", SAID)
def test_says(name: str) -> None:
    told = next(told for told in STORIES if told.name == name)
    first = told.tell().judge().findings[0]
    assert (first.message, first.next) == SAID[name]
