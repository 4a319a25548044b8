/* init.c: start, and the one loop.
 *
 * The first thing that happens is that all signals are blocked: from then on the kernel keeps them for us, and what came
 * before is what no PID 1 can have. They are never handled, only waited for (rt_sigtimedwait), one at a time, in the same
 * place where time passes: there is no handler, no race, no second thread, and while nothing happens we sleep.
 *
 * Until the command exists a failure is loud and ends us. Afterwards nothing ends us but the end of the command.
 */
#include "init.h"

static struct init whole;

static const struct persona *persona_named(const char *name)
{
    static const struct { const char *name; const struct persona *persona; } table[] = {
        {"tini", &tini_persona}, {"tini-static", &tini_persona}, {"docker-init", &tini_persona},
        {"dumb-init", &dumb_init_persona}, {"catatonit", &catatonit_persona}, {"podman-init", &catatonit_persona},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (string_equal(base_name(name), table[i].name))
            return table[i].persona;
    return &own_persona;
}

nanoseconds now(void)
{
    struct timespec time = {0, 0};
    sys_clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

/* The next signal, or 0 when a timer is due. */
static int wait_for_signal(struct init *init, struct siginfo *info)
{
    const sigset every = EVERY_SIGNAL;
    nanoseconds due = next_timer(init);
    struct timespec timeout;

    if (due != NEVER) {
        nanoseconds left = due - now();
        left = left > 0 ? left : 0;
        timeout = (struct timespec){.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
    }
    long signal = sys_rt_sigtimedwait(&every, info, due == NEVER ? NULL : &timeout);
    if (signal > 0)
        return (int)signal;
    if (signal != -EINTR && (signal != -EAGAIN || due == NEVER))
        reap(init, NULL, true); /* refused: then at least the end of a child can be waited for */
    return 0;
}

static bool start(struct init *init)
{
    const struct options *options = &init->options;

    if (init->self != 1 && options->subreaper) {
        long error = sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (error < 0)
            init->persona->say(init, SUBREAPER_FAILED, -error, 0);
    } else if (init->self != 1) {
        init->persona->say(init, NOT_A_REAPER, 0, 0);
    }
    if (options->parent_death)
        sys_prctl(PR_SET_PDEATHSIG, options->parent_death);
    if (!report_open(init))
        return false;
    if (options->lines[BEFORE_STOP] || options->lines[AFTER_MAIN] || options->lines[AFTER_EXIT])
        init->directory_fd = (int)open_above(".", O_PATH | O_DIRECTORY);
    if (!options->command)
        return true;

    if (options->take_terminal)
        leave_terminal(init);
    find_terminal(init);
    /* A group outside our namespace has the terminal: one of our own could neither take it nor give it back. */
    bool outside = options->session == OWN_GROUP && init->terminal >= 0 && sys_getpgid(0) == 0;
    struct command command = {
        .argv = options->command, .envp = init->envp,
        .session = outside ? SESSION_KEPT : options->session,
        .foreground = options->session == OWN_GROUP && owns_terminal(init) && !in_pipeline(init),
        .dies_with_us = options->main_dies_with_us, .directory = -1, .hook = NULL,
    };
    long pid = spawn(init, &command);
    if (pid < 0) {
        init->persona->say(init, NO_CHILD, -pid, 0);
        return false;
    }
    init->main = (pid_t)pid;
    init->main_alive = init->group_is_ours = true;
    if (init->exit_status < 0 || init->persona != &own_persona)
        init->persona->say(init, COMMAND_STARTED, pid, 0);
    return true;
}

static int finish(struct init *init)
{
    int status = init->main_alive ? 128 + SIGKILL : shell_status(init->main_status);

    if (init->options.phases && (init->self == 1 || init->hooks[AFTER_EXIT].ran || init->phase != OVER))
        tree_kill(init, !init->times[KILL].entered); /* a hook's daemon, a session from outside: nobody outlives us */
    take_terminal_back(init);
    status ^= init->options.exit_map[status];
    init->exit_status = status;
    init->persona->say(init, LEAVING, status, 0);
    report_write(init);
    return status;
}

static int run(int argc, char **argv, char **envp)
{
    struct init *init = &whole;
    const sigset every = EVERY_SIGNAL;
    const struct sigaction plain = {.handler = SIG_DFL, .flags = 0, .restorer = 0, .mask = 0};
    struct siginfo info;

#ifdef SYS_FAULTS
    read_faults(envp);
#endif
    long error = sys_rt_sigprocmask(SIG_SETMASK, &every, &init->mask);
    /* An inherited "ignore" would let our children vanish without a SIGCHLD; the command gets it back. */
    sys_rt_sigaction(SIGCHLD, &plain, &init->child_action);

    init->self = (pid_t)sys_getpid();
    init->envp = envp;
    init->report_fd = init->directory_fd = init->exit_status = -1;
    init->options.name = argc > 0 ? argv[0] : "endwell-init";
    init->persona = persona_named(init->options.name);
    if (init->persona == &own_persona)
        init->options.name = "endwell-init";
    int status = init->persona->parse(init, argc, argv, envp);
    if (status >= 0)
        return status;
    if (error < 0) {
        warn(init, "cannot block signals: %e; allow rt_sigprocmask", -error);
        return init->persona->own_status;
    }
    while (sys_wait4(-1, &status, WNOHANG) > 0) /* inherited children that ended before we could hear of it */
        init->reaped++;
    if (!start(init))
        return init->persona->own_status;
    release(init);

    if (init->exit_status >= 0 && init->persona == &own_persona) { /* never executed: there is nothing to stop */
        sys_wait4(init->main, NULL, 0);
        init->main_alive = false;
        init->left_by_itself = true;
        init->main_status = init->exit_status << 8;
        init->phase = OVER;
    }
    while (init->phase != OVER) {
        int signal = wait_for_signal(init, &info);
        if (signal)
            signal_arrived(init, &info);
        stop_timers(init);
    }
    return finish(init);
}

#ifdef SYS_HOSTED
int main(int argc, char **argv, char **envp);
int main(int argc, char **argv, char **envp)
{
    sys_exit_group(run(argc, argv, envp));
}
#else
SYS_START;
__attribute__((used)) _Noreturn void sys_start(long *stack);
_Noreturn void sys_start(long *stack)
{
    char **argv = (char **)(stack + 1);
    sys_exit_group(run((int)stack[0], argv, argv + stack[0] + 1));
}
#endif
