/* tini.c: the command line, variables and words of tini 0.19; as tini, tini-static and docker-init.
 *
 * tini's Debian build takes options from behind the command too, its Alpine build does not. We do not: of the
 * two, that is the one that never takes a word away from the command.
 */
#include "getopt.h"

enum level { FATAL, WARN, INFO, DEBUG, TRACE };

#define VERSION "tini version 0.19.0"

static const char usage[] =
    "%s (" VERSION ")\n"
    "Usage: %s [OPTIONS] PROGRAM -- [ARGS] | --version\n"
    "\n"
    "Execute a program under the supervision of a valid init process (%s)\n"
    "\n";
static const char usage_options[] =
    "Command line options:\n"
    "\n"
    "  --version: Show version and exit.\n"
    "  -h: Show this help message and exit.\n"
    "  -s: Register as a process subreaper (requires Linux >= 3.4).\n"
    "  -p SIGNAL: Trigger SIGNAL when parent dies, e.g. \"-p SIGKILL\".\n"
    "  -v: Generate more verbose output. Repeat up to 3 times.\n"
    "  -w: Print a warning when processes are getting reaped.\n"
    "  -g: Send signals to the child's process group.\n"
    "  -e EXIT_CODE: Remap EXIT_CODE (from 0 to 255) to 0.\n"
    "  -l: Show license and exit.\n"
    "\n"
    "Environment variables:\n"
    "\n"
    "  TINI_SUBREAPER: Register as a process subreaper (requires Linux >= 3.4).\n"
    "  TINI_VERBOSITY: Set the verbosity level (default: 1).\n"
    "  TINI_KILL_PROCESS_GROUP: Send signals to the child's process group.\n"
    "\n";

/* strsignal(3) */
static const char words[] =
    "\0Hangup\0Interrupt\0Quit\0Illegal instruction\0Trace/breakpoint trap\0Aborted\0Bus error\0"
    "Floating point exception\0Killed\0User defined signal 1\0Segmentation fault\0"
    "User defined signal 2\0Broken pipe\0Alarm clock\0Terminated\0Stack fault\0Child exited\0"
    "Continued\0Stopped (signal)\0Stopped\0Stopped (tty input)\0Stopped (tty output)\0"
    "Urgent I/O condition\0CPU time limit exceeded\0File size limit exceeded\0Virtual timer expired\0"
    "Profiling timer expired\0Window changed\0I/O possible\0Power failure\0Bad system call";

static void report(const struct init *init, enum level level, const char *format, ...)
{
    static const char before[][14] = {
        "[FATAL tini (", "[WARN  tini (", "[INFO  tini (", "[DEBUG tini (", "[TRACE tini ("};
    va_list arguments;
    va_start(arguments, format);
    if ((int)level <= init->options.verbosity)
        tell(level <= WARN ? 2 : 1, before[level], ")] ", format, arguments);
    va_end(arguments);
}

static void report_signal(const struct init *init, enum level level, const char *format, long signal)
{
    char buffer[32];
    struct text number = text_over(buffer, sizeof buffer);
    const char *word = words;

    if (signal < 32) {
        for (; signal > 0; signal--)
            word += string_length(word) + 1;
    } else {
        word = buffer;
        text_string(&number, signal < SIGRTMIN ? "Unknown signal " : "Real-time signal ");
        text_number(&number, signal < SIGRTMIN ? signal : signal - SIGRTMIN);
        text_character(&number, '\0');
    }
    report(init, level, format, word);
}

static int show_usage(const struct init *init, int fd, int status)
{
    const char *name = base_name(init->options.name);
    print(fd, usage, name, name, name);
    print(fd, usage_options);
    return status;
}

/* All names of signal(7) but the three that tini does not know: STKFLT, IO and PWR. */
static bool take_parent_death(struct init *init, const char *name)
{
    for (uint8_t signal = 1; signal < 32; signal++)
        if (signal != SIGSTKFLT && signal != SIGIO && signal != SIGPWR && string_starts(name, "SIG") &&
            string_equal(name + 3, signal_names[signal])) {
            init->options.parent_death = signal;
            return true;
        }
    return false;
}

static bool take_exit_status(struct init *init, const char *word)
{
    const char *end = word;
    int64_t status = parse_integer(&end);
    if (*end || status < 0 || status > 255)
        return false;
    init->options.exit_map[status] = (uint8_t)status;
    return true;
}

static int parse(struct init *init, int argc, char **argv, char **envp)
{
    struct options *options = &init->options;
    struct getopt words_read = {.letters = "p:hvwgle:s"};
    const char *verbosity = environment(envp, "TINI_VERBOSITY");
    bool subreaper = environment(envp, "TINI_SUBREAPER");
    int letter;

    behave_as_others(init);
    options->forwarded &= ~(FAULTS | BIT(SIGTTIN) | BIT(SIGTTOU)); /* the two are a background job's own */
    options->fatal = FAULTS;
    options->terminal_at = ON_STDIN;
    options->verbosity = WARN;
    options->reach = environment(envp, "TINI_KILL_PROCESS_GROUP") ? TO_GROUP : TO_MAIN;

    if (argc == 2 && string_equal(argv[1], "--version")) {
        print(1, VERSION "\n"); /* dockerd reads this line: no commit, or one of seven characters */
        return 0;
    }
    while ((letter = getopt_next(&words_read, argv)) >= 0)
        switch (letter) {
        case 'h':
            return show_usage(init, 1, 0);
        case 'l':
            print_licence();
            return 0;
        case 'p':
            if (take_parent_death(init, words_read.value))
                break;
            report(init, FATAL, "Not a valid option for -p: %s", words_read.value);
            return 1;
        case 'e':
            if (take_exit_status(init, words_read.value))
                break;
            report(init, FATAL, "Not a valid option for -e: %s", words_read.value);
            return 1;
        case 'v':
            if (options->verbosity < TRACE)
                options->verbosity++;
            break;
        case 'g':
            options->reach = TO_GROUP;
            break;
        case 'w':
            options->warn_zombies = true;
            break;
        case 's':
            subreaper = true;
            break;
        default:
            return show_usage(init, 2, 1);
        }
    options->command = operands(&words_read, argv);
    if (!*options->command)
        return show_usage(init, 2, 1);
    if (verbosity) {
        int64_t level = parse_integer(&verbosity);
        options->verbosity = level < 0 || level > TRACE ? TRACE : (int8_t)level;
    }
    if (!grace_from_environment(init))
        return 1;
    if (subreaper) {
        long error = sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (error < 0) {
            report(init, FATAL, "Failed to register as child subreaper: %e", -error);
            return 1;
        }
        report(init, TRACE, "Registered as child subreaper");
    }
    return -1;
}

static int exec_status(int error)
{
    return error == ENOENT ? 127 : error == EACCES ? 126 : 1;
}

static void warn_no_reaper(const struct init *init)
{
    int32_t already = 0;
    sys_prctl(PR_GET_CHILD_SUBREAPER, (long)&already);
    if (!already)
        report(init, WARN,
               "Tini is not running as PID 1 and isn't registered as a child subreaper.\n"
               "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.\n"
               "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to register "
               "Tini as a child subreaper, or run Tini as PID 1.");
}

static void speak(struct init *init, enum moment moment, long a, long b)
{
    switch (moment) {
    case NOT_A_REAPER: warn_no_reaper(init); break;
    case NO_CHILD: report(init, FATAL, "fork failed: %e", a); break;
    case SESSION_FAILED: report(init, FATAL, "setpgid failed: %e", a); break;
    case NO_TERMINAL:
        if (a == ENOTTY)
            report(init, DEBUG, "tcsetpgrp failed: no tty (ok to proceed)");
        else
            report(init, DEBUG, "tcsetpgrp failed: %e (ok to proceed)", a);
        break;
    case TERMINAL_FAILED: report(init, WARN, "tcsetpgrp failed: %e", a); break;
    case COMMAND_NOT_STARTED: report(init, FATAL, "exec %s failed: %e", init->options.command[0], a); break;
    case COMMAND_STARTED:
        report(init, INFO, "Spawned child process '%s' with pid '%d'", init->options.command[0], a);
        break;
    case CHILDREN_CHANGED: report(init, DEBUG, "Received SIGCHLD"); break;
    case SIGNAL_CAME: report_signal(init, DEBUG, "Passing signal: '%s'", a); break;
    case SIGNAL_NOT_SENT:
        if (b == ESRCH)
            report(init, WARN, "Child was dead when forwarding signal");
        else
            report(init, WARN, "Unexpected error when forwarding signal: '%e'", b);
        /* fall through */
    case SIGNAL_SENT: report(init, TRACE, "No child to reap"); break; /* it looks after every signal */
    case CHILD_ENDED:
        report(init, DEBUG, "Reaped child with pid: '%d'", a);
        if (a != init->main && init->options.warn_zombies)
            report(init, WARN, "Reaped zombie process with pid=%d", a);
        break;
    case MAIN_ENDED:
        if (b & 0x7f)
            report_signal(init, INFO, "Main child exited with signal (with signal '%s')", b & 0x7f);
        else
            report(init, INFO, "Main child exited normally (with status '%d')", (b >> 8) & 0xff);
        break;
    case NO_MORE_ENDED: report(init, TRACE, a ? "No child to wait" : "No child to reap"); break;
    case LEAVING: report(init, TRACE, "Exiting: child has exited"); break;
    default: break;
    }
}

const struct persona tini_persona = {
    .parse = parse, .say = speak, .exec_status = exec_status, .own_status = 1};
