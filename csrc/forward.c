/* forward.c: a signal arrives; who gets it? */
#include "init.h"

static bool is_stop(const struct init *init, int came, int sent)
{
    return init->options.phases && (init->options.stops & (BIT(came) | BIT(sent)));
}

/* To the main process with the value that came with it (sigqueue(3)), so that no real-time signal loses its meaning. */
static long send_main(struct init *init, int signal, const struct siginfo *info)
{
    if (info && info->code == SI_QUEUE && signal == info->signo &&
        sys_rt_sigqueueinfo(init->main, signal, info) == 0)
        return 0;
    return sys_kill(init->main, signal);
}

static void send(struct init *init, int signal, const struct siginfo *info)
{
    long error;
    if (!init->main_alive && !init->options.wait_tree)
        return; /* who is left is told by phases, not by stray signals */
    if (!init->main_alive || init->options.reach == TO_TREE) {
        tree_tell(init, signal, EVERYBODY);
        return;
    }
    if (init->options.reach != TO_GROUP || (error = sys_kill(-init->main, signal)) == -ESRCH) /* it has no group */
        error = send_main(init, signal, info);
    if (error < 0)
        init->persona->say(init, SIGNAL_NOT_SENT, signal, -error);
    else
        init->persona->say(init, SIGNAL_SENT, signal, init->main);
}

/* Ask for the stop. A stopped process could not hear it, so it is continued first. */
void ask_main(struct init *init)
{
    if (init->main_alive && init->main_stopped) {
        sys_kill(init->options.reach == TO_MAIN ? init->main : -init->main, SIGCONT);
        init->main_stopped = false;
    }
    init->told_tick = tick_now();
    send(init, init->ask_signal, NULL);
}

static void remember(struct init *init, int signal, pid_t from)
{
    init->received[init->received_count++ % RECEIVED] = /* the last ones: a stop comes at the end of a life */
        (struct received){.at = now(), .from = from, .signal = (uint8_t)signal};
}

/* What is sent for a signal; 0: nothing. */
static int rewrite(struct init *init, int signal)
{
    int sent = init->options.rewrite[signal];
    if (!sent)
        return signal;
    sent = sent == DROPPED ? 0 : sent;
    init->persona->say(init, SIGNAL_REWRITTEN, signal, sent);
    if (!sent)
        init->persona->say(init, SIGNAL_DROPPED, signal, 0);
    return sent;
}

/* The main process has left its group behind. It is told as by a SIGTERM of ours (dumb-init). */
void tell_group_at_end(struct init *init)
{
    int sent = rewrite(init, SIGTERM);
    if (!sent)
        return;
    if (init->options.reach == TO_GROUP)
        sys_kill(-init->main, sent);
    init->persona->say(init, SIGNAL_SENT, sent, init->main);
}

void signal_arrived(struct init *init, const struct siginfo *info)
{
    const struct options *options = &init->options;
    int signal = info->signo, sent;
    pid_t from = info->code <= 0 ? info->u.from.pid : 0; /* the kernel's own carry no sender */

    if (signal == SIGCHLD) {
        init->persona->say(init, CHILDREN_CHANGED, 0, 0);
        reap(init, info, false);
        return;
    }
    if (options->fatal & BIT(signal))
        take_default(init, signal);
    if (!(options->forwarded & BIT(signal)))
        return;
    if (from == init->self && (signal == SIGPIPE || signal == SIGXFSZ))
        return; /* our own: what we write has no reader or no room; the command did nothing wrong */
    if (options->report)
        remember(init, signal, from);
    init->persona->say(init, SIGNAL_CAME, signal, from);
    if (init->handoff & BIT(signal)) {
        init->handoff &= ~BIT(signal);
        init->persona->say(init, SIGNAL_OF_HANDOFF, signal, 0);
        return;
    }
    sent = rewrite(init, signal);
    if (sent == 0) {
        /* dropped */
    } else if (is_stop(init, signal, sent)) {
        enum event event = init->stop_asked ? HURRY : STOP;
        bool asked = init->phase >= ASK && init->times[ASK].entered;
        init->ask_signal = sent;
        if (!init->stop_asked) {
            init->stop_asked = true;
            init->stop_signal = signal;
            init->stop_from = from;
        } else if (asked && init->main_alive) {
            send(init, sent, info); /* it hears that we hurry */
        } else if (init->phase == HEIR) {
            sys_kill(init->hooks[AFTER_MAIN].pid, sent);
        }
        happen(init, event);
    } else {
        send(init, sent, info);
        if (signal == SIGCONT && init->main_alive && owns_terminal(init))
            continue_main(init);
    }
    if (options->suspends & BIT(signal)) {
        init->persona->say(init, SUSPENDING, signal, 0);
        sys_kill(init->self, SIGSTOP);
    }
}
