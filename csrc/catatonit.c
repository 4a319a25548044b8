/* catatonit.c: the command line, variables and words of catatonit 0.1.7; as catatonit and podman-init.
 *
 * Every build of it, with glibc or musl, takes options from behind the command too, unless POSIXLY_CORRECT is set;
 * so do we.
 */
#include "getopt.h"

enum level { ERROR = 1, WARN, INFO, DEBUG };

static const char usage[] = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";
static const char help[] =
    "\n"
    "options:\n"
    "  -g              Signals go to the whole process group of the program.\n"
    "  -h              This page.\n"
    "  -L              The licence.\n"
    "  -P              Pause: no program is run; SIGTERM or SIGINT is the end.\n"
    "  -V, --version   The version.\n"
    "\n"
    "This is endwell-init, called by this name; `endwell-init --help` tells what else it can do.\n";

static const struct long_option long_options[] = {{"version", 'V', false}, {"", 0, false}};

static void report(const struct init *init, enum level level, const char *format, ...)
{
    static const char before[][18] = {
        "", "ERROR (catatonit:", "WARN (catatonit:", "INFO (catatonit:", "DEBUG (catatonit:"};
    va_list arguments;
    va_start(arguments, format);
    if ((int)level <= init->options.verbosity)
        tell(2, before[level], "): ", format, arguments);
    va_end(arguments);
}

static int parse(struct init *init, int argc, char **argv, char **envp)
{
    struct options *options = &init->options;
    struct getopt words = {
        .letters = "ghLPV", .longs = long_options, .permute = !environment(envp, "POSIXLY_CORRECT")};
    bool pause = false;
    int letter;

    (void)argc;
    behave_as_others(init);
    options->forwarded &= ~FAULTS;
    options->fatal = FAULTS;
    options->rewrite[SIGTSTP] = options->rewrite[SIGTTIN] = options->rewrite[SIGTTOU] = DROPPED;
    options->subreaper = true;
    options->terminal_at = ON_DEV_TTY;
    options->verbosity = environment(envp, "CATATONIT_DEBUG") ? DEBUG : ERROR;
    if (environment(envp, "CATATONIT_LOG")) {
        report(init, ERROR, "CATATONIT_LOG is reserved for future use");
        return 1;
    }
    while ((letter = getopt_next(&words, argv)) >= 0)
        switch (letter) {
        case 'g':
            options->reach = TO_GROUP;
            break;
        case 'P':
            pause = true;
            break;
        case 'h':
            print(2, usage);
            print(2, help);
            return 0;
        case 'L':
            print_licence();
            return 0;
        case 'V':
            print(1, "tini version 0.1.7_catatonit\n"); /* dockerd wants to read tini's name */
            return 0;
        default:
            print(2, usage);
            return 1;
        }
    options->command = operands(&words, argv);
    if (pause) {
        options->command = NULL;
        options->phases = true; /* of which only the stop signal is left */
        return -1;
    }
    if (!*options->command) {
        report(init, ERROR, "missing program name");
        print(2, usage);
        return 1;
    }
    return grace_from_environment(init) ? -1 : 1;
}

static int exec_status(int error)
{
    (void)error;
    return 1;
}

/* systemd's variable names the process that is to take the descriptors; spawn.c renews it. */
static void check_sockets(const struct init *init)
{
    const char *value = environment(init->envp, "LISTEN_PID");
    int64_t pid = value ? parse_integer(&value) : 0;
    if (pid == INT64_MAX || pid == -INT64_MAX)
        report(init, WARN, "LISTEN_PID has an invalid value");
}

static void speak(struct init *init, enum moment moment, long a, long b)
{
    switch (moment) {
    case SUBREAPER_FAILED: report(init, WARN, "failed to set child-reaper as non-pid1: %e", a); break;
    case NO_CHILD:
        report(init, ERROR, "failed to fork child: %e", a);
        report(init, ERROR, "failed to spawn pid1: %e", a);
        break;
    case SESSION_FAILED: report(init, ERROR, "failed to create process group"); break;
    case SESSION_MADE: check_sockets(init); break;
    case NO_TERMINAL:
        report(init, INFO, "using stdin as tty fd: could not open /dev/tty: %e", a);
        report(init, DEBUG, "setting foreground process failed: no tty present: %e",
               -sys_ioctl(0, TIOCGPGRP, &(pid_t){0}));
        break;
    case TERMINAL_FAILED: report(init, WARN, "setting foreground process failed: %e", a); break;
    case COMMAND_NOT_STARTED: report(init, ERROR, "failed to exec pid1: %e", a); break;
    case COMMAND_STARTED: report(init, DEBUG, "pid1 (%d) spawned: %s", a, init->options.command[0]); break;
    case SIGNAL_DROPPED:
        report(init, DEBUG, "ignoring kernel attempting to stop us: tty has TOSTOP set");
        break;
    case SIGNAL_NOT_SENT:
        report(init, WARN, "forwarding of signal %d to pid1 (%d) failed: %e", a,
             (long)(init->options.reach == TO_GROUP ? -init->main : init->main), b);
        break;
    case CHILD_ENDED:
        if (a == init->main)
            break;
        if (b & 0x7f)
            report(init, DEBUG, "child process %d exited due to signal %d", a, b & 0x7f);
        else
            report(init, DEBUG, "child process %d exited with code %d", a, (b >> 8) & 0xff);
        break;
    case NO_MORE_ENDED:
        if (a)
            report(init, DEBUG, "got ECHILD: no children left to monitor");
        break;
    default: break;
    }
}

const struct persona catatonit_persona = {
    .parse = parse, .say = speak, .exec_status = exec_status, .own_status = 1};
