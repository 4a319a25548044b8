/* terminal.c: who has the terminal. Job control as a shell above us expects it, and as a container's PID 1 needs it. */
#include "init.h"

/* Our controlling terminal stands on one of the standard descriptors, or we have none that matters. */
void find_terminal(struct init *init)
{
    pid_t foreground;
    long error = 0;
    for (init->terminal = 0; init->terminal < 3; init->terminal++) {
        error = sys_ioctl(init->terminal, TIOCGPGRP, &foreground);
        if (error == 0)
            return;
        if (init->options.terminal_at == ON_STDIN)
            break;
    }
    init->terminal = (int)(init->options.terminal_at == ON_DEV_TTY ? open_above("/dev/tty", O_RDWR) : error);
}

/* The command's new session is to have our terminal, so it must not be ours any longer. When we lead the session that
 * had it, the kernel tells everybody in it by a HUP and a CONT, us too: these two are not meant for the command. */
void leave_terminal(struct init *init)
{
    long error = sys_ioctl(0, TIOCNOTTY, NULL);
    bool leader = sys_getsid(0) == init->self;
    if (error < 0) {
        init->persona->say(init, TERMINAL_NOT_LEFT, -error, 0);
        return;
    }
    if (leader)
        init->handoff = BIT(SIGHUP) | BIT(SIGCONT);
    init->persona->say(init, TERMINAL_LEFT, leader, 0);
}

static pid_t foreground_group(const struct init *init)
{
    pid_t group = 0;
    return init->terminal >= 0 && sys_ioctl(init->terminal, TIOCGPGRP, &group) == 0 ? group : -1;
}

/* The command gets the foreground if it is ours to give: a job in the background of a shell must not steal it. */
bool owns_terminal(const struct init *init)
{
    pid_t group = (pid_t)sys_getpgid(0); /* 0: it lies outside our PID namespace, and could not be given back */
    return group > 0 && foreground_group(init) == group;
}

/* `endwell-init command | less`: less shares our group and needs the terminal. The command gets it when it asks. */
bool in_pipeline(const struct init *init)
{
    pid_t foreground;
    return init->persona == &own_persona && sys_getsid(0) != init->self &&
           sys_ioctl(1, TIOCGPGRP, &foreground) < 0;
}

/* A group that has gone, or sleeps, must not keep the terminal from those who come after it. */
void take_terminal_back(struct init *init)
{
    pid_t group = (pid_t)sys_getpgid(0);
    if (init->main && foreground_group(init) == init->main && group > 0)
        sys_ioctl(init->terminal, TIOCSPGRP, &group);
}

void continue_main(struct init *init)
{
    if (owns_terminal(init))
        sys_ioctl(init->terminal, TIOCSPGRP, &init->main);
    sys_kill(-init->main, SIGCONT);
    init->main_stopped = false;
}

void take_default(const struct init *init, int signal)
{
    const sigset blocked = ~BIT(signal), every = EVERY_SIGNAL;
    sys_rt_sigprocmask(SIG_SETMASK, &blocked, NULL);
    sys_kill(init->self, signal);
    sys_rt_sigprocmask(SIG_SETMASK, &every, NULL);
}

/* The command was stopped by its terminal (Ctrl-Z), and a shell above waits for *us* to stop. So give the terminal
 * back and take the same signal, by its default action. Stopped, we go on with SIGCONT, when the user says fg or bg.
 * Not stopped, there is no shell above that could do so (we are PID 1, or our group is orphaned); then the kernel
 * would not have stopped the command either, had it been in our place: it goes on as if nothing was typed. */
void suspend(struct init *init, int signal)
{
    const sigset cont = BIT(SIGCONT);
    const struct timespec at_once = {0, 0};
    struct siginfo info;

    if (init->options.session != OWN_GROUP)
        return;
    if (init->terminal < 0) /* it asks for the terminal by its name (ssh, sudo), though all its descriptors are elsewhere */
        init->terminal = (int)open_above("/dev/tty", O_RDWR);
    if (init->terminal < 0)
        return;
    if (signal != SIGTSTP && owns_terminal(init)) { /* it is stopped for a terminal that is ours to give */
        continue_main(init);
        return;
    }
    take_terminal_back(init);
    init->persona->say(init, SUSPENDING, signal, 0);
    take_default(init, signal);
    bool continued = sys_rt_sigtimedwait(&cont, &info, &at_once) == SIGCONT;
    if (continued || signal == SIGTSTP)
        continue_main(init);
}
