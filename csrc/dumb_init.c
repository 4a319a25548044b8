/* dumb_init.c: the command line, variables and words of dumb-init 1.2.5. */
#include "getopt.h"

#define VERSION "dumb-init v1.2.5\n"
enum { HIGHEST_REWRITTEN = 31 };

static const char help[] =
    VERSION
    "Usage: %s [option] command [[arg] ...]\n"
    "\n"
    "dumb-init is a simple process supervisor that forwards signals to children.\n"
    "It is designed to run as PID1 in minimal container environments.\n"
    "\n";
static const char help_options[] =
    "Optional arguments:\n"
    "   -c, --single-child   Run in single-child mode.\n"
    "                        In this mode, signals are only proxied to the\n"
    "                        direct child and not any of its descendants.\n"
    "   -r, --rewrite s:r    Rewrite received signal s to new signal r before proxying.\n"
    "                        To ignore (not proxy) a signal, rewrite it to 0.\n"
    "                        This option can be specified multiple times.\n"
    "   -v, --verbose        Print debugging information to stderr.\n"
    "   -h, --help           Print this help message and exit.\n"
    "   -V, --version        Print the current version and exit.\n"
    "\n"
    "Full help is available online at https://github.com/Yelp/dumb-init\n";

static const struct long_option long_options[] = {
    {"help", 'h', false},    {"single-child", 'c', false}, {"rewrite", 'r', true},
    {"verbose", 'v', false}, {"version", 'V', false},      {"", 0, false},
};

static void debug(const struct init *init, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (init->options.verbosity)
        tell(2, "[dumb-init] ", NULL, format, arguments);
    va_end(arguments);
}

/* sscanf(3)'s "%d:%d": what follows the second number does not matter. */
static bool take_rewrite(struct init *init, const char *rule)
{
    const char *at = rule, *from;
    int32_t signal = (int32_t)parse_integer(&at); /* an int, as %d has it */
    if (at == rule || *at != ':')
        return false;
    from = ++at;
    int32_t sent = (int32_t)parse_integer(&at);
    if (at == from || signal < 1 || signal > HIGHEST_REWRITTEN || sent < 0 || sent > HIGHEST_REWRITTEN)
        return false;
    init->options.rewrite[signal] = sent == 0 ? DROPPED : (uint8_t)sent;
    return true;
}

/* A session of its own cannot be stopped by a terminal's signals: nobody in it could continue it (setpgid(2) on
 * orphaned groups). SIGSTOP does it. */
static void leave_session(struct init *init)
{
    static const uint8_t signals[] = {SIGTSTP, SIGTTOU, SIGTTIN};
    init->options.session = OWN_SESSION;
    init->options.take_terminal = true;
    init->options.reach = TO_GROUP;
    for (size_t i = 0; i < sizeof signals; i++)
        if (!init->options.rewrite[signals[i]])
            init->options.rewrite[signals[i]] = SIGSTOP;
}

static int parse(struct init *init, int argc, char **argv, char **envp)
{
    struct options *options = &init->options;
    struct getopt words = {.letters = "hvVcr:", .longs = long_options};
    const char *debugging = environment(envp, "DUMB_INIT_DEBUG");
    const char *session = environment(envp, "DUMB_INIT_SETSID");
    bool single = false;
    int letter;

    (void)argc;
    behave_as_others(init);
    options->session = SESSION_KEPT;
    options->suspends = BIT(SIGTSTP) | BIT(SIGTTOU) | BIT(SIGTTIN);
    options->group_told_at_end = true;
    init->mask = 0; /* the command gets no signal blocked, whatever the caller blocked */

    while ((letter = getopt_next(&words, argv)) >= 0)
        switch (letter) {
        case 'h':
            print(2, help, argv[0]);
            print(2, help_options);
            return 0;
        case 'V':
            print(2, VERSION);
            return 0;
        case 'v':
            options->verbosity = 1;
            break;
        case 'c':
            single = true;
            break;
        case 'r':
            if (take_rewrite(init, words.value))
                break;
            print(2, "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.\n"
                     "This option can be specified multiple times.\n"
                     "Use --help for full usage.\n");
            return 1;
        default:
            return 1;
        }
    options->command = operands(&words, argv);
    if (!*options->command) {
        print(2, "Usage: %s [option] program [args]\nTry %s --help for full usage.\n", options->name,
              options->name);
        return 1;
    }
    if (debugging && string_equal(debugging, "1")) {
        options->verbosity = 1;
        debug(init, "Running in debug mode.");
    }
    if (session && string_equal(session, "0")) {
        single = true;
        debug(init, "Not running in setsid mode.");
    }
    if (!single)
        leave_session(init);
    /* It gives every classic signal a handler of its own, so that its command finds none ignored: no nohup. */
    init->child_action.handler = SIG_DFL;
    for (int signal = 1; signal < 32; signal++)
        sys_rt_sigaction(signal, &init->child_action, NULL);
    return grace_from_environment(init) ? -1 : 1;
}

static int exec_status(int error)
{
    (void)error;
    return 2;
}

static void speak(struct init *init, enum moment moment, long a, long b)
{
    switch (moment) {
    case TERMINAL_NOT_LEFT: debug(init, "Unable to detach from controlling tty (errno=%d %e).", a, a); break;
    case TERMINAL_LEFT:
        debug(init, a ? "Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive."
                      : "Detached from controlling tty, but was not session leader.");
        break;
    case NO_CHILD: print(2, "[dumb-init] Unable to fork. Exiting.\n"); break;
    case SESSION_FAILED: print(2, "[dumb-init] Unable to setsid (errno=%d %e). Exiting.\n", a, a); break;
    case TERMINAL_FAILED: debug(init, "Unable to attach to controlling tty (errno=%d %e).", a, a); break;
    case SESSION_MADE: debug(init, "setsid complete."); break;
    case COMMAND_NOT_STARTED: print(2, "[dumb-init] %s: %e\n", init->options.command[0], a); break;
    case COMMAND_STARTED: debug(init, "Child spawned with PID %d.", a); break;
    case CHILDREN_CHANGED: debug(init, "Received signal %d.", (long)SIGCHLD); break;
    case SIGNAL_CAME: debug(init, "Received signal %d.", a); break;
    case SIGNAL_OF_HANDOFF: debug(init, "Ignoring tty hand-off signal %d.", a); break;
    case SIGNAL_REWRITTEN: debug(init, "Translating signal %d to %d.", a, b); break;
    case SIGNAL_DROPPED: debug(init, "Not forwarding signal 0 to children (ignored)."); break;
    case SIGNAL_NOT_SENT:
    case SIGNAL_SENT: debug(init, "Forwarded signal %d to children.", a); break;
    case SUSPENDING: debug(init, "Suspending self due to TTY signal."); break;
    case CHILD_ENDED:
        if (init->main && !init->main_alive)
            break; /* it has said good-bye */
        if (b & 0x7f)
            debug(init, "A child with PID %d was terminated by signal %d.", a, b & 0x7f);
        else
            debug(init, "A child with PID %d exited with exit status %d.", a, (b >> 8) & 0xff);
        break;
    case MAIN_ENDED: debug(init, "Child exited with status %d. Goodbye.", (long)shell_status((int)b)); break;
    default: break;
    }
}

const struct persona dumb_init_persona = {
    .parse = parse, .say = speak, .exec_status = exec_status, .own_status = 1};
