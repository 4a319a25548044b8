/* stop.c: the end, in phases, within one grace period.
 *
 * Whoever signals only the main process loses what its shell started; whoever signals everybody at once tears the
 * workers away from a master that was about to let them finish. Both are right, one after the other:
 *
 *   RUN ──stop──► DRAIN ──► ASK ──► HEIR ──► REST ──► KILL ──► AFTER ──► OVER
 *                 go on     main    hook     all      who is   hook      exit
 *                 serving   ends    in       the      still
 *                           its own main's   others   there
 *                           house   place
 *
 * DRAIN lasts for --drain and until the before-stop hook is done; ASK until the main process has ended or its share of
 * the grace is over; HEIR while the after-main hook runs; REST until nobody is left; KILL comes shortly before the grace
 * ends, so that it is us who do it, who know their names, and not the engine. A further stop signal hurries: straight to
 * the next phase. When the main process leaves by itself, the rest of the tree is told in the same way.
 *
 * With an after-main hook the main process is one that tells the others itself, in an order of its own: a supervisor. As
 * long as it lives a further stop signal is for it alone; if it has left children behind, the hook does in its place,
 * within its share, what it could not do any more, and hears such a signal; and only then everybody is told.
 *
 * The table says which phase follows which event; `enter` does what a phase begins with. Nothing here waits.
 */
#include "init.h"

#define SAME PHASES     /* the event changes nothing now */
#define CANNOT 0xff     /* and this one cannot happen here */

static const uint8_t next_phase[PHASES][EVENTS] = {
    /*          STOP    HURRY   QUIET   MAIN_GONE EMPTY  LATE */
    [RUN]   = { DRAIN,  CANNOT, CANNOT, HEIR,   AFTER, CANNOT },
    [DRAIN] = { CANNOT, ASK,    ASK,    HEIR,   AFTER, CANNOT },
    [ASK]   = { CANNOT, REST,   CANNOT, HEIR,   AFTER, REST },
    [HEIR]  = { SAME,   SAME,   REST,   CANNOT, AFTER, CANNOT },
    [REST]  = { SAME,   KILL,   CANNOT, SAME,   AFTER, KILL },
    [KILL]  = { SAME,   SAME,   CANNOT, SAME,   AFTER, AFTER },
    [AFTER] = { SAME,   OVER,   OVER,   SAME,   SAME,  OVER },
    [OVER]  = { SAME,   SAME,   SAME,   SAME,   SAME,  SAME },
};

const char *const phase_names[PHASES] = {"run", "drain", "main", "after-main", "rest", "kill", "after-exit", "over"};
static const char *const event_names[EVENTS] = {"stop", "hurry", "quiet", "main gone", "empty", "late"};

static nanoseconds sooner(nanoseconds a, nanoseconds b)
{
    return a < b ? a : b;
}

nanoseconds margin(nanoseconds grace)
{
    return grace < 0 ? SECOND / 2 : sooner(grace / 10, SECOND / 2);
}

nanoseconds hook_timeout(const struct options *options)
{
    if (options->hook_timeout != UNSET)
        return options->hook_timeout;
    return options->grace == UNSET || options->grace == NEVER ? 10 * SECOND : options->grace / 4;
}

/* The clock of the stop starts: with the first stop signal, or when the main process leaves by itself. Then nobody
 * outside counts the time, so without a --grace those who are left behind get ten seconds. */
static void start_clock(struct init *init)
{
    const struct options *options = &init->options;
    nanoseconds grace = options->grace, began = now();

    nanoseconds hook = options->lines[AFTER_EXIT] ? hook_timeout(options) : 0;
    if (grace == UNSET)
        grace = init->stop_asked ? NEVER : 10 * SECOND + hook;
    if (!init->began)
        init->began = began;
    init->leave_at = init->kill_at = NEVER;
    if (grace != NEVER) {
        init->leave_at = began + grace - margin(grace) / 2;
        init->kill_at = began + grace - margin(grace) - hook;
    }
}

static nanoseconds share_of_main(const struct init *init, nanoseconds from)
{
    if (init->options.main_timeout != UNSET)
        return sooner(from + init->options.main_timeout, init->kill_at);
    return init->kill_at == NEVER ? NEVER : from + (init->kill_at - from) / 3 * 2;
}

static void tell_the_rest(struct init *init)
{
    if (init->daemonized) /* it put itself into the background: it *is* the rest, and gets the signal meant for it */
        tree_tell(init, init->ask_signal, EVERYBODY);
    else
        tree_tell(init, SIGTERM, init->options.reach == TO_MAIN ? ALL_BUT_MAIN : WHO_WAS_NOT_TOLD);
    init->told_tick = tick_now();
}

static void enter(struct init *init, enum phase phase)
{
    nanoseconds moment = now(), share = init->phase == ASK ? init->until : UNSET;

    if (init->times[init->phase].entered)
        init->times[init->phase].took = moment - init->times[init->phase].at;
    init->phase = phase;
    const char *const *lines = init->options.lines;
    bool idle = (phase == DRAIN && init->options.drain == UNSET && !lines[BEFORE_STOP]) ||
                (phase == AFTER && !lines[AFTER_EXIT]); /* nothing was asked for: not worth a word */
    init->times[phase] = (struct moment_of){.at = moment, .took = 0, .entered = !idle};
    init->until = NEVER;

    switch (phase) {
    case DRAIN:
        init->until = init->options.drain == UNSET ? moment : sooner(moment + init->options.drain, init->kill_at);
        if (lines[BEFORE_STOP])
            hook_start(init, BEFORE_STOP, sooner(moment + hook_timeout(&init->options), init->kill_at));
        break;
    case ASK:
        init->until = share_of_main(init, moment);
        if (init->main_alive)
            ask_main(init);
        else
            enter(init, REST);
        break;
    case HEIR:
        hook_start(init, AFTER_MAIN, share == UNSET ? share_of_main(init, moment) : share);
        break;
    case REST:
        init->until = init->kill_at;
        tell_the_rest(init);
        break;
    case KILL:
        init->until = moment + margin(init->options.grace) / 2;
        tree_kill(init, true);
        break;
    case AFTER:
        if (lines[AFTER_EXIT])
            hook_start(init, AFTER_EXIT, sooner(moment + hook_timeout(&init->options), init->leave_at));
        break;
    default:
        break;
    }
}

void happen(struct init *init, enum event event)
{
    const struct options *options = &init->options;
    uint8_t next = next_phase[init->phase][event];

    if (!options->phases || !options->command) { /* as the others do it: leave when the main process leaves */
        if (options->command ? event == MAIN_GONE || event == EMPTY : event == STOP)
            init->phase = OVER;
        return;
    }
    if (event == STOP) {
        start_clock(init);
        init->daemonized = init->phase == RUN && !init->main_alive;
    } else if (init->phase == RUN) { /* the main process left by itself, or with --wait tree everybody did */
        if (event == MAIN_GONE && options->wait_tree)
            return;
        init->left_by_itself = true;
        start_clock(init);
    }
    if (event == HURRY && init->phase == ASK && options->lines[AFTER_MAIN])
        return; /* it has heard that, too */
    if (next == HEIR && (init->alone || !options->lines[AFTER_MAIN]))
        next = REST;
    if (next == CANNOT) {
        warn(init, "'%s' cannot happen in phase '%s'; going on", event_names[event], phase_names[init->phase]);
        return;
    }
    if (event == STOP && next == SAME) /* it comes while the end is on its way: from now on there is a deadline */
        init->until = sooner(init->until, init->phase == AFTER ? init->leave_at : init->kill_at);
    if (next != SAME)
        enter(init, (enum phase)next);
    stop_timers(init);
}

/* What became due. Called after every wake-up; a phase that has nothing to wait for is left in the same call. */
void stop_timers(struct init *init)
{
    nanoseconds moment = init->began ? now() : 0;

    for (int i = 0; i < HOOKS; i++)
        if (init->hooks[i].pid && moment >= init->hooks[i].until)
            hook_late(init, (enum hook_name)i);
    if (init->phase == DRAIN && moment >= init->until && !init->hooks[BEFORE_STOP].pid)
        happen(init, QUIET);
    else if ((init->phase == HEIR && !init->hooks[AFTER_MAIN].pid) ||
             (init->phase == AFTER && !init->hooks[AFTER_EXIT].pid))
        happen(init, QUIET);
    else if ((init->phase == ASK || init->phase == REST || init->phase == KILL) && moment >= init->until)
        happen(init, LATE);
}

nanoseconds next_timer(const struct init *init)
{
    nanoseconds next = init->until;
    if (init->phase == RUN)
        return NEVER;
    if (init->phase == HEIR || (init->phase == DRAIN && init->hooks[BEFORE_STOP].pid))
        next = NEVER; /* the hook's own timer bounds it */
    for (int i = 0; i < HOOKS; i++)
        if (init->hooks[i].pid)
            next = sooner(next, init->hooks[i].until);
    return next;
}
