/* init.h: what the parts of endwell-init share.
 *
 *   init.c     start, the one loop                 options.c  our own command line
 *   spawn.c    the command and the hooks           tini.c dumb_init.c catatonit.c  other inits' command lines
 *   terminal.c who has the terminal                getopt.c   how these three read theirs
 *   forward.c  a signal arrives: who gets it       faults.c   system calls that fail when a test wants it
 *   reap.c     a child ended                       signals.c  names and numbers of signals
 *   stop.c     the phases of the end (a table)     words.c    reading text without a libc
 *   hooks.c    before-stop, after-main, after-exit text.c     writing it
 *   tree.c     who belongs to us (/proc)           voice.c    what we say on stderr
 *   report.c   the JSON object at the end
 *
 * One `struct init` holds everything; nothing is ever allocated. What the idle process touches stands first in it,
 * so that a sleeping PID 1 keeps one page of it; the buffers behind it cost nothing until the end begins.
 */
#ifndef ENDWELL_INIT_H
#define ENDWELL_INIT_H

#include <stdarg.h>

#include "sys.h"

#ifndef ENDWELL_VERSION
#define ENDWELL_VERSION "unknown"
#endif

/* ---- text.c ------------------------------------------------------------------------------------------- */

typedef int64_t nanoseconds;
#define SECOND ((nanoseconds)1000000000)
#define NEVER INT64_MAX
#define UNSET ((nanoseconds)-1)

/* A buffer being written; what does not fit is cut, and `cut` says so. */
struct text { char *start, *at, *end; bool cut; };

struct text text_over(char *buffer, size_t size);
void text_bytes(struct text *, const char *, size_t);
void text_character(struct text *, char);
void text_string(struct text *, const char *);
void text_number(struct text *, int64_t);
void text_seconds(struct text *, nanoseconds);       /* "1.234" */
void text_signal(struct text *, int signal);         /* "SIGTERM", "SIGRTMIN+3" */
void text_json(struct text *, const char *, size_t); /* quoted and escaped; never invalid UTF-8 */
/* %s string, %d long, %t nanoseconds as seconds, %g signal, %e errno in words, %% percent. */
void text_format(struct text *, const char *format, va_list);
/* Writes all of it unless the reader lets us wait longer than `patience`; true if all was written. */
bool text_write(const struct text *, int fd, nanoseconds patience);
void print(int fd, const char *format, ...);         /* one line of at most 1 KiB, or nothing if nobody reads */
const char *error_words(int error);                  /* strerror(3) for the errors that execve and fork know */

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t string_length(const char *);
bool string_equal(const char *, const char *);
bool string_starts(const char *, const char *prefix);
const char *base_name(const char *path);
bool parse_number(const char *from, const char *end, int64_t most, int64_t *value); /* decimal digits only */
bool parse_duration(const char *, nanoseconds *);

/* ---- signals.c ---------------------------------------------------------------------------------------- */

#define BIT(signal) ((sigset)1 << ((signal) - 1))
#define EVERY_SIGNAL (~(sigset)0)

bool parse_signal(const char *from, const char *end, int *signal); /* TERM, sigterm, 15, RTMIN+3 */
extern const char signal_names[32][8];                             /* "", "HUP", "INT" … "SYS" */

/* ---- what was asked for --------------------------------------------------------------------------------- */

enum reach { TO_MAIN, TO_GROUP, TO_TREE };
enum terminal_at { ON_STANDARD, ON_STDIN, ON_DEV_TTY }; /* where our terminal is looked for */
enum session { SESSION_KEPT, OWN_GROUP, OWN_SESSION }; /* what the command gets before it is executed */

/* What a persona may want to say, each in its own words. The two numbers depend on the moment. */
enum moment {
    COMMAND_STARTED,      /* pid */
    COMMAND_NOT_STARTED,  /* errno of execve; called in the child, which then exits with persona.exec_status() */
    NO_CHILD,             /* errno of clone */
    SUBREAPER_FAILED,     /* errno */
    NOT_A_REAPER,         /* neither PID 1 nor a subreaper */
    SESSION_MADE,         /* in the child: setpgid or setsid succeeded */
    SESSION_FAILED,       /* errno; in the child: setpgid or setsid */
    TERMINAL_FAILED,      /* errno; in the child: the terminal could not be handed over */
    NO_TERMINAL,          /* errno; in the child: there is none to be handed over */
    TERMINAL_LEFT,        /* 1 when we led the session: a HUP and a CONT of the hand-off follow */
    TERMINAL_NOT_LEFT,    /* errno */
    SIGNAL_CAME,          /* signal, sender's pid */
    SIGNAL_OF_HANDOFF,    /* signal: swallowed, the kernel sent it because of TERMINAL_LEFT */
    SIGNAL_REWRITTEN,     /* from, to */
    SIGNAL_SENT,          /* signal, pid */
    SIGNAL_NOT_SENT,      /* signal, errno */
    SIGNAL_DROPPED,       /* signal: rewritten to 0 */
    SUSPENDING,           /* signal: we are about to stop ourselves */
    CHILDREN_CHANGED,     /* a SIGCHLD came */
    CHILD_ENDED,          /* pid, wait status; any child, the main process too */
    MAIN_ENDED,           /* pid, wait status */
    NO_MORE_ENDED,        /* 1 when there is no child left at all */
    LEAVING,              /* our exit status */
};

struct init;

/* One program that this binary can be. */
struct persona {
    /* Reads the command line and the environment into init->options. Returns -1 to go on, else an exit status. */
    int (*parse)(struct init *, int argc, char **argv, char **envp);
    void (*say)(struct init *, enum moment, long a, long b);
    int (*exec_status)(int error); /* exit status of the child whose execve failed */
    int own_status;                /* exit status when we cannot start: ours 125, theirs 1 */
};

/* Small and often asked fields first: x86 reaches the first 128 bytes of a structure with shorter code. */
struct options {
    bool phases;                 /* stop in phases; false: leave as soon as the main process has ended */
    bool wait_tree;              /* live as long as any process of the tree */
    bool subreaper;              /* be one when not PID 1 */
    bool take_terminal;          /* leave the terminal for the command's new session (dumb-init) */
    bool main_dies_with_us;      /* SIGTERM to the main process should we be killed (never needed as PID 1) */
    bool group_told_at_end;      /* SIGTERM to the group when the main process has ended (dumb-init) */
    bool warn_zombies;           /* tini -w */
    int8_t verbosity;
    uint8_t reach;               /* enum reach */
    uint8_t session;             /* enum session */
    uint8_t terminal_at;         /* enum terminal_at */
    uint8_t parent_death;        /* signal for us when our parent dies, or 0 */
    char **command;              /* NULL: pause mode, live until a stop signal */
    const char *name;            /* of ourselves, as in argv[0] */
    const char *report;          /* NULL or a path, "-", "fd:N" */
    const char *lines[3];        /* of the hooks, or NULL */
    nanoseconds grace;           /* UNSET, NEVER or the time from the stop signal to our exit */
    nanoseconds drain, main_timeout, hook_timeout; /* UNSET or a time */
    sigset stops;                /* signals that start the stop */
    sigset forwarded;            /* signals that are passed on at all */
    sigset fatal;                /* signals that end us, as by default (tini, catatonit) */
    sigset suspends;             /* signals after which we stop ourselves too (dumb-init) */
    uint8_t rewrite[65];         /* 0: as it is; DROPPED; else the signal to send instead */
    uint8_t exit_map[256];       /* exit status s becomes exit_map[s] ^ s */
};
#define DROPPED 0xff

/* ---- the process --------------------------------------------------------------------------------------- */

enum phase { RUN, DRAIN, ASK, HEIR, REST, KILL, AFTER, OVER, PHASES };

enum hook_name { BEFORE_STOP, AFTER_MAIN, AFTER_EXIT, HOOKS };
extern const char *const hook_names[HOOKS];
struct hook {
    pid_t pid;            /* 0: not running */
    nanoseconds began, took, until;
    int status;           /* wait status, or a negated errno when it could not be started */
    bool ran;
    pid_t killed;         /* the group that overran its deadline, or 0 */
};

struct moment_of { nanoseconds at, took; bool entered; };
struct received { nanoseconds at; pid_t from; uint8_t signal; };
enum { RECEIVED = 32 };

struct init {
    const struct persona *persona;
    pid_t self, main;            /* main: 0 before it is started */
    enum phase phase;
    bool main_alive, main_stopped, stop_asked;
    bool group_is_ours;          /* the number of the main process cannot have passed to a stranger yet */
    bool report_is_file;         /* report_fd is its folder, not what is to be written to */
    bool nudged;                 /* it was continued once after it had stopped for the terminal, though it was asked to leave */
    bool left_by_itself;         /* nobody had asked for a stop when the end began */
    bool alone;                  /* the main process has left no children behind */
    bool daemonized;             /* the main process had left its tree behind when the stop came (--wait tree) */
    int terminal;                /* descriptor of our controlling terminal, or a negated errno */
    struct options options;
    char **envp;
    nanoseconds began;           /* of the stop; 0 before */
    nanoseconds until;           /* end of this phase */
    nanoseconds kill_at, leave_at;
    uint64_t told_tick;          /* processes younger than this were born after the tree was told */
    int main_status;             /* wait status, once it has ended */
    int exit_status;             /* of the command that could not be executed, else -1; at the end: our own */
    int stop_signal;             /* that came first, or 0 */
    int ask_signal;              /* what the main process is sent for it */
    pid_t stop_from;
    int report_fd, directory_fd; /* -1, or kept open: the report's target; the directory hooks run in */
    uint32_t reaped, received_count, killed_count, killed_listed;
    sigset handoff;              /* HUP and CONT to be swallowed once after TERMINAL_LEFT */
    sigset mask;                 /* the mask we were given, for the command */
    struct sigaction child_action; /* the disposition of SIGCHLD we were given */
    struct hook hooks[HOOKS];
    struct moment_of times[PHASES];
    struct received received[RECEIVED];
    struct text killed;          /* JSON objects of those who had to be killed */
    char killed_buffer[32768];
    char scratch[98304];
};

/* init.c */
nanoseconds now(void);
/* spawn.c */
struct command { char **argv, **envp; uint8_t session; bool foreground, dies_with_us; int directory; const char *hook; };
long spawn(struct init *, const struct command *); /* pid or a negated errno; exec errors end the child, said by it */
long open_above(const char *path, int flags);
void release(struct init *);         /* working directory and descriptors that only the command needs */
/* terminal.c */
void find_terminal(struct init *);
void leave_terminal(struct init *);
bool owns_terminal(const struct init *);
bool in_pipeline(const struct init *);
void take_terminal_back(struct init *);
void continue_main(struct init *);   /* and give it the terminal, if that is ours to give */
void suspend(struct init *, int signal);
void take_default(const struct init *, int signal); /* what the signal does to a process that leaves it alone */
/* forward.c */
void signal_arrived(struct init *, const struct siginfo *);
void ask_main(struct init *);
void tell_group_at_end(struct init *);
/* reap.c */
int shell_status(int wait_status);   /* 0..255: exit code, or 128 + signal */
void reap(struct init *, const struct siginfo *, bool wait);
/* stop.c */
enum event { STOP, HURRY, QUIET, MAIN_GONE, EMPTY, LATE, EVENTS };
extern const char *const phase_names[PHASES];        /* as the report says them */
void happen(struct init *, enum event);
nanoseconds margin(nanoseconds grace);               /* between our own last act and the engine's SIGKILL */
nanoseconds hook_timeout(const struct options *);
void stop_timers(struct init *);
nanoseconds next_timer(const struct init *);
/* hooks.c */
void hook_start(struct init *, enum hook_name, nanoseconds until);
void hook_ended(struct init *, struct hook *, int status);
void hook_late(struct init *, enum hook_name);
/* tree.c */
struct process { pid_t pid, parent, group; char state; uint64_t started; };
uint64_t tick_now(void);
long read_file(pid_t, const char *name, char *to, size_t size); /* of /proc/PID; length or a negated errno */
bool read_process(pid_t, struct process *);
struct member { struct process process; int pidfd; }; /* of the tree, and a way to signal it safely */
/* Calls `each` for every process of the tree but ourselves; false when there is nobody, or /proc does not show them. */
bool tree_each(struct init *, void (*each)(struct init *, const struct member *));
long member_signal(const struct member *, int signal);
enum who { EVERYBODY, ALL_BUT_MAIN, WHO_WAS_NOT_TOLD };
void tree_tell(struct init *, int signal, enum who);
void tree_kill(struct init *, bool list);
/* report.c */
bool report_open(struct init *);
bool report_killed(struct init *, const struct member *, const char *why);
void report_write(struct init *);
/* voice.c */
void say(struct init *, const char *format, ...);  /* a line with our name, when -v asks for it */
void warn(struct init *, const char *format, ...); /* a line with our name, always */
void one_line(char *from, const char *end);        /* control characters become blanks */
void speak_own(struct init *, enum moment, long a, long b);
/* options.c, tini.c, dumb_init.c, catatonit.c */
extern const struct persona own_persona, tini_persona, dumb_init_persona, catatonit_persona;
const char *environment(char **envp, const char *name); /* value or NULL */
#ifdef SYS_FAULTS
void read_faults(char **envp); /* faults.c */
#endif
bool grace_from_environment(struct init *);              /* ENDWELL_GRACE turns the phases on; false: it is bad, and said */

#endif
