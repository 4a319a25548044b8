"""The table of rules: to add one, add a module to this package and a line here."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Protocol

from endwell.records import dataclass
from endwell.rules import (
    close_to_grace,
    connections_reset,
    crashed_at_stop,
    ended_before_stop,
    events_lost,
    exit_status_misleads,
    files_half_written,
    init_before_shell,
    killed_after_grace,
    killed_inside,
    left_too_early,
    never_ready,
    never_told,
    no_handler,
    non_zero_exit,
    not_listening_yet,
    orphans_killed,
    program_behind_shell,
    raised_again_in_vain,
    requests_lost,
    shell_at_pid1,
    signal_blocked,
    signal_ignored,
    signal_storm,
    trap_waits_for_command,
    wrapper_at_pid1,
    wrong_stop_signal,
    zombies_left,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.model.finding import Finding
    from endwell.rules.case import Case


class Module(Protocol):
    """What the module of a rule defines; its docstring is its page."""

    CODE: str
    NAME: str
    SUMMARY: str

    def find(self, case: Case, /) -> Iterator[Finding]:
        """Yield what the rule has to say about a case."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code, its name, what it finds in one line, its page in Markdown, and the search."""

    code: str
    name: str
    summary: str
    page: str
    find: Callable[[Case], Iterator[Finding]]


def _rule(module: Module) -> Rule:
    text = inspect.cleandoc(module.__doc__ or "")
    return Rule(
        module.CODE, module.NAME, module.SUMMARY, f"# {module.CODE} {module.NAME}\n\n{text}\n", module.find
    )


RULES: tuple[Rule, ...] = tuple(
    _rule(module)
    for module in (
        shell_at_pid1,
        wrapper_at_pid1,
        init_before_shell,
        program_behind_shell,
        no_handler,
        signal_ignored,
        signal_blocked,
        not_listening_yet,
        wrong_stop_signal,
        raised_again_in_vain,
        killed_after_grace,
        trap_waits_for_command,
        close_to_grace,
        left_too_early,
        never_told,
        zombies_left,
        orphans_killed,
        requests_lost,
        files_half_written,
        signal_storm,
        killed_inside,
        connections_reset,
        exit_status_misleads,
        ended_before_stop,
        crashed_at_stop,
        non_zero_exit,
        never_ready,
        events_lost,
    )
)
