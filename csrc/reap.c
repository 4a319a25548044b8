/* reap.c: children end, and leave nothing behind. */
#include "init.h"

int shell_status(int wait_status)
{
    int signal = wait_status & 0x7f;
    return signal ? 128 + signal : (wait_status >> 8) & 0xff;
}

static void ended(struct init *init, pid_t pid, int status)
{
    init->reaped++;
    init->persona->say(init, CHILD_ENDED, pid, status);
    for (int i = 0; i < HOOKS; i++)
        if (pid == init->hooks[i].pid) {
            hook_ended(init, &init->hooks[i], status);
            return;
        }
    if (pid == init->main && init->main_alive) {
        init->main_alive = false;
        init->main_status = status;
        if (init->options.group_told_at_end)
            tell_group_at_end(init);
        init->persona->say(init, MAIN_ENDED, pid, status);
    }
}

/* Collects every child that ended. SIGCHLD coalesces, so one of them may stand for ten thousand children.
 *
 * `info` belongs to the SIGCHLD, or is NULL. It is the second source for the one fact that must not be missed, the end of
 * the main process, should wait4 be refused (a seccomp filter that was written for somebody else). With `wait` it sleeps
 * until there is a child to collect. */
void reap(struct init *init, const struct siginfo *info, bool wait)
{
    enum { CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3 };
    bool was_alive = init->main_alive;
    int status = 0;
    long pid;

    for (;; wait = false) {
        pid = sys_wait4(-1, &status, WUNTRACED | (wait ? 0 : WNOHANG));
        if (pid == -EINTR)
            continue;
        if (pid <= 0)
            break;
        if ((status & 0xff) != 0x7f) {
            ended(init, (pid_t)pid, status);
        } else if (pid == init->main) {
            int signal = (status >> 8) & 0xff;
            bool by_background = signal == SIGTTIN || signal == SIGTTOU;
            init->main_stopped = true;
            if (init->phase >= ASK && !(by_background && init->nudged)) {
                sys_kill(init->main, SIGCONT); /* it was asked to leave, so it must be able to */
                init->main_stopped = false;
                init->nudged |= by_background; /* once: it would stop again, and so on for ever */
            } else if (!init->stop_asked && (signal == SIGTSTP || by_background)) {
                suspend(init, signal);
                sys_kill(init->self, SIGCHLD); /* later: what came while we were stopped, as a TERM, comes first */
                break;
            }
        }
    }
    init->persona->say(init, NO_MORE_ENDED, pid == -ECHILD, 0);
    if (pid == -ECHILD && init->main_alive) { /* somebody else had it: no status to be known */
        init->main_alive = false;
        init->main_status = 125 << 8;
    } else if (pid < 0 && pid != -ECHILD && info && info->u.from.pid == init->main && init->main_alive &&
               (info->code == CLD_EXITED || info->code == CLD_KILLED || info->code == CLD_DUMPED)) {
        int code = info->u.from.u.status;
        ended(init, init->main, info->code == CLD_EXITED ? (code & 0xff) << 8 : code & 0x7f);
    }
    bool empty = pid == -ECHILD || (pid < 0 && !init->main_alive);
    init->alone = empty;
    /* Not our children, but in our namespace: sessions of `docker exec`. They are told, and not waited for. */
    if (was_alive && !init->main_alive && (!empty || init->self == 1))
        happen(init, MAIN_GONE);
    init->group_is_ours = init->main_alive;
    if (empty) {
        stop_timers(init); /* if an after-main hook was the last of them, those who are not our children are told now */
        happen(init, EMPTY);
    } else if (init->phase == KILL && init->self != 1)
        tree_kill(init, false); /* children born while we killed came to us */
}
