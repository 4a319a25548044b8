"""Lines of trace_pipe, those of liars among them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from endwell.parse.trace import Record, heads, records

LINES = (
    ("signal_generate: sig=15 errno=0 code=0 comm={} pid=18349 grp=1 res=0", (15, 0, 18349, 1, 0), ""),
    (
        "signal_deliver: sig=17 errno=0 code=-6 sa_handler=55fc5f152dc0 sa_flags=4000000",
        (17, -6, 0x55FC5F152DC0),
        "",
    ),
    ("task_newtask: pid=18347 comm={} clone_flags=4100 oom_score_adj=-17", (18347, 0x4100), ""),
    ("sched_process_exec: filename=/bin/a b pid=3 pid=18350 old_pid=18351", (18350, 18351), "/bin/a b pid=3"),
    ("sched_process_exit: comm={} pid=18350 prio=120 group_dead=true", (18350, 1), ""),
    ("sched_process_exit: comm={} pid=18350 prio=120 group_dead=false", (18350, 0), ""),
    ("sched_process_exit: comm={} pid=18350 prio=120", (18350, -1), ""),
    ("sched_process_free: comm={} pid=18393 prio=120", (18393,), ""),
    ("sys_vfork -> 0x47d9", (0x47D9,), ""),
    ("sys_wait4 -> 0xfffffffffffffff6", (-10,), ""),
    (
        "sys_waitid(which: 1, upid: 0x1f, infop: 0x7ffe1c2b, options: 0x1000004, ru: 0)",
        (1, 31, 0x1000004),
        "",
    ),
    ("sys_waitid -> 0x0", (0,), ""),
    ("sys_exit_group(error_code: 0x8f)", (143,), ""),
    ("sys_exit(error_code: 0)", (0,), ""),
    ("sys_setns(fd: 3, nstype: 0x20000000)", (0x20000000,), ""),
    ("sys_setns(fd: 7, flags: 0)", (0,), ""),
    ("sys_prctl(option: 0x24, arg2: 1, arg3: 0x7fea4cd55548, arg4: 0x562edb5410a0, arg5: 0)", (36, 1), ""),
)
# What prctl(PR_SET_NAME) takes: fifteen bytes, any but NUL.
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=255), min_size=1, max_size=15)
LIES = st.sampled_from(
    [
        "x-1 [000] d... ",
        "\n  a-1 [000] .",
        " pid=1 res=0\n",
        ": sig=9 errno=0",
        "CPU:0 [LOST 9",
        "-1-1-1-1-1-1-1-",
    ]
)


def line(body: str, name: str = "sh", tid: int = 4711, at: str = "12784.350453") -> str:
    return f"{name:>16}-{tid:<7} [001] dN.2. {at}: {body.format(name)}\n"


@pytest.mark.parametrize(("body", "numbers", "text"), LINES)
def test_every_event_is_read(body: str, numbers: tuple[int, ...], text: str) -> None:
    event = body.replace("(", " ").replace(":", " ").split()[0]
    assert list(records(line(body))) == [Record(12784.350453, 4711, event, numbers, text)]


@given(st.lists(st.tuples(st.sampled_from(LINES), NAMES | LIES), max_size=6))
def test_no_name_makes_a_record_or_hides_one(
    some: list[tuple[tuple[str, tuple[int, ...], str], str]],
) -> None:
    text = "".join(line(body, name) for (body, _, _), name in some)
    assert [(one.tid, one.numbers) for one in records(text)] == [
        (4711, numbers) for (_, numbers, _), _ in some
    ]


@given(st.text(st.characters(max_codepoint=255)))
def test_no_text_is_too_strange(text: str) -> None:
    for one in records(line("sys_fork -> 0x7") + text):
        assert one.tid >= 0


def test_lost_events_are_counted() -> None:
    text = (
        f"CPU:1 [LOST 3546 EVENTS]\n{line('sys_fork -> 0x7')}CPU:0 [LOST EVENTS]\n{line('sys_fork -> 0x8')}"
    )
    assert heads(text)[1] == 3547
    assert [one.numbers for one in records(text)] == [(7,), (8,)]


def test_the_number_of_a_thread_group_may_stand_there_too() -> None:
    assert [
        one.tid for one in records("              sh-18347   (  18347) [000] ..... 1.5: sys_fork -> 0x7\n")
    ] == [18347]


def test_half_a_record_is_none() -> None:
    assert not list(records(line("signal_generate: sig=15 errno=0 code=0 comm=sh")))
