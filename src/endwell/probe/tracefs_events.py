"""What the tracefs observer has the kernel record, and what it is blind to without it."""

from __future__ import annotations

from endwell.machine.story import PR_SET_CHILD_SUBREAPER

READ = "syscalls/sys_exit_read"
_SUBREAPER = "syscalls/sys_enter_prctl"

# What to record, on what condition, and what cannot be seen without it ("": another event stands in).
EVENTS = (
    ("task/task_newtask", "", "who was forked"),
    ("sched/sched_process_exec", "", "what was executed"),
    ("sched/sched_process_exit", "", "who ended"),
    ("sched/sched_process_free", "", "who was collected by waitid"),
    ("signal/signal_generate", "", "which signals were sent"),
    ("signal/signal_deliver", "sig != 17 || code <= 0", "which signals were taken"),
    ("syscalls/sys_exit_clone", "ret > 0", "the numbers inside the container"),
    ("syscalls/sys_exit_clone3", "ret > 0", ""),
    ("syscalls/sys_exit_fork", "ret > 0", ""),
    ("syscalls/sys_exit_vfork", "ret > 0", ""),
    ("syscalls/sys_exit_wait4", "ret > 0", "who was collected by whom"),
    ("syscalls/sys_exit_waitid", "ret == 0", "who was collected by waitid"),
    ("syscalls/sys_exit_rt_sigtimedwait", "ret > 0", "which signals were taken by sigwait"),
    ("syscalls/sys_enter_exit", "", "with which status a single thread ended"),
    ("syscalls/sys_enter_exit_group", "", "with which status a process ended"),
    (_SUBREAPER, f"option == {PR_SET_CHILD_SUBREAPER}", "which subreaper takes orphans in"),
)
# A signalfd is read in pieces of one struct signalfd_siginfo. Only near the stop: servers read a lot.
SIGNALFD_READ = "ret == 128 || ret == 256 || ret == 384"
