/* tree.c: who belongs to us, and how each of them is reached.
 *
 * As PID 1 it is everybody in our PID namespace: no number in it can name a stranger, and kill(-1) reaches all of them at
 * one instant, without /proc and without a race against fork.
 *
 * Otherwise it is our descendants, and a number alone proves nothing. Going down from ourselves through /proc, a process
 * belongs to us if its parent does. In between, a parent's number could pass to a stranger; but who was born before
 * we began to look cannot be the child of somebody born after. So only who is older than this look counts, and he is
 * signalled through a pidfd opened before his entry was read a second time. Younger ones come with the next look.
 */
#include "init.h"

enum {
    TICK = 10000000,     /* of /proc: 10 ms on every Linux */
    MOST_PIDS = 1 << 22, /* PID_MAX_LIMIT */
    FEW = 20,            /* are named in any case */
};

uint64_t tick_now(void)
{
    struct timespec time = {0, 0};
    sys_clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)(time.tv_sec * (SECOND / TICK) + time.tv_nsec / TICK);
}

/* Is /proc mounted, and of our own PID namespace? */
static bool tree_visible(const struct init *init)
{
    char link[16];
    int64_t pid;
    long length = sys_readlinkat(AT_FDCWD, "/proc/self", link, sizeof link);
    return length > 0 && parse_number(link, link + length, INT32_MAX, &pid) && pid == init->self;
}

long read_file(pid_t pid, const char *name, char *to, size_t size)
{
    char path[40];
    struct text text = text_over(path, sizeof path);
    text_string(&text, "/proc/");
    text_number(&text, pid);
    text_string(&text, name);
    text_character(&text, '\0');
    long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    long length = sys_read((int)fd, to, size);
    sys_close((int)fd);
    return length;
}

/* proc_pid_stat(5): pid (name) state parent group … started(22). The name may hold anything, so it ends at the last ')'. */
bool read_process(pid_t pid, struct process *process)
{
    char stat[512];
    long length = read_file(pid, "/stat", stat, sizeof stat);
    const char *end = stat + (length > 0 ? length : 0), *at = end;

    while (at > stat && at[-1] != ')')
        at--;
    if (at == stat || end - at < 2)
        return false;
    *process = (struct process){.pid = pid, .state = at[1]};
    at += 2;
    for (int field = 4; field <= 22 && at < end; field++) {
        const char *start = ++at;
        int64_t value = 0;
        while (at < end && *at != ' ' && *at != '\n')
            at++;
        if (field != 4 && field != 5 && field != 20 && field != 22)
            continue;
        if (!parse_number(start, at, INT64_MAX / 16, &value))
            return false;
        if (field == 4)
            process->parent = (pid_t)value;
        if (field == 5)
            process->group = (pid_t)value;
        if (field == 20 && value > 1 && process->state == 'Z')
            process->state = 'S'; /* only its first thread has ended */
        if (field == 22)
            process->started = (uint64_t)value;
    }
    return process->started != 0;
}

static void each_number(struct init *init, void (*take)(struct init *, pid_t))
{
    char entries[4096] __attribute__((aligned(8)));
    long fd = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), size;
    if (fd < 0)
        return;
    while ((size = sys_getdents64((int)fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < size;) {
            const struct dirent *entry = (const struct dirent *)(const void *)(entries + at);
            int64_t pid;
            if (parse_number(entry->name, entry->name + string_length(entry->name), MOST_PIDS - 1, &pid) &&
                pid != init->self)
                take(init, (pid_t)pid);
            at += entry->size;
        }
    sys_close((int)fd);
}

static struct {
    uint64_t members[MOST_PIDS / 64];
    uint64_t tick;
    bool grew, seen, counted;
    void (*each)(struct init *, const struct member *);
    nanoseconds list_until; /* to name everybody must not take the time in which they are to be killed; 0: no more */
} look;

static void end_member(struct init *, const struct member *);

static bool is_member(pid_t pid)
{
    return look.members[pid / 64] >> (pid % 64) & 1;
}

/* Older than this look, and a child of ours or of one who belongs to us. */
static bool belongs(const struct init *init, const struct process *process)
{
    pid_t parent = process->parent;
    return process->started <= look.tick &&
           (parent == init->self || (parent > 0 && parent < MOST_PIDS && is_member(parent)));
}

static void find_member(struct init *init, pid_t pid)
{
    struct process process;
    if (!is_member(pid) && read_process(pid, &process) && belongs(init, &process)) {
        look.members[pid / 64] |= (uint64_t)1 << pid % 64;
        look.grew = true;
    }
}

static void visit(struct init *init, pid_t pid)
{
    struct member member = {.pidfd = -1};

    if (look.each == end_member && init->self == 1 && !look.list_until) {
        init->killed_count++; /* the rest stays without a name */
        return;
    }
    if (init->self != 1) {
        if (!is_member(pid))
            return;
        member.pidfd = (int)sys_pidfd_open(pid); /* before Linux 5.3 there is none, and the number must do */
    }
    if (read_process(pid, &member.process) && member.process.state != 'Z' &&
        (init->self == 1 || belongs(init, &member.process))) {
        look.seen = true;
        look.each(init, &member);
    }
    if (member.pidfd >= 0)
        sys_close(member.pidfd);
}

bool tree_each(struct init *init, void (*each)(struct init *, const struct member *))
{
    look.tick = tick_now();
    look.each = each;
    look.seen = false;
    if (!tree_visible(init))
        return false;
    if (init->self != 1) {
        for (size_t i = 0; i < sizeof look.members / sizeof *look.members; i++)
            if (look.members[i]) /* only what was written once: the rest has no memory behind it, and is to have none */
                look.members[i] = 0;
        do {
            look.grew = false;
            each_number(init, find_member);
        } while (look.grew);
    }
    each_number(init, visit);
    return look.seen;
}

long member_signal(const struct member *member, int signal)
{
    long error = member->pidfd >= 0 ? sys_pidfd_send_signal(member->pidfd, signal) : -ENOSYS;
    return error >= 0 || error == -ESRCH ? error : sys_kill(member->process.pid, signal);
}

static struct { int signal; enum who who; } telling;

static void continue_stopped(struct init *init, const struct member *member)
{
    (void)init;
    if (member->process.state == 'T')
        member_signal(member, SIGCONT); /* the stopped cannot hear, not even what they were told already */
}

static void tell(struct init *init, const struct member *member)
{
    const struct process *process = &member->process;
    bool is_main = init->main_alive && process->pid == init->main;
    bool was_told = process->started <= init->told_tick && (init->options.reach == TO_TREE || process->group == init->main);

    if (init->hooks[BEFORE_STOP].pid && process->group == init->hooks[BEFORE_STOP].pid)
        return; /* it has a deadline of its own */
    if (init->phase != RUN)
        continue_stopped(init, member);
    if (telling.who != EVERYBODY && (is_main || (telling.who == WHO_WAS_NOT_TOLD && was_told)))
        return;
    long error = member_signal(member, telling.signal);
    if (error < 0 && error != -ESRCH)
        init->persona->say(init, SIGNAL_NOT_SENT, telling.signal, -error);
    else
        init->persona->say(init, SIGNAL_SENT, telling.signal, process->pid);
}

/* Without /proc nobody can be seen: then PID 1 reaches everybody, and the others the command's group, as long as its
 * number cannot be a stranger's: until the command has been collected, and in the instant in which it is. */
static void signal_blindly(struct init *init, int signal)
{
    if (init->self == 1 || init->group_is_ours)
        sys_kill(init->self == 1 ? -1 : -init->main, signal);
}

void tree_tell(struct init *init, int signal, enum who who)
{
    telling.signal = signal;
    telling.who = who;
    if (init->self == 1 && !init->hooks[BEFORE_STOP].pid &&
        (who == EVERYBODY || (who == ALL_BUT_MAIN && !init->main_alive))) {
        sys_kill(-1, signal);
        if (init->phase != RUN && !tree_each(init, continue_stopped))
            sys_kill(-1, SIGCONT);
    } else if (!tree_each(init, tell)) {
        signal_blindly(init, signal);
        if (init->phase != RUN)
            signal_blindly(init, SIGCONT);
    }
}

static bool list_named(const char *status, long length, const char *name, int signal)
{
    const char *end = status + length;
    for (const char *at = status; at < end; at++)
        if ((at == status || at[-1] == '\n') && string_starts(at, name)) {
            /* sixteen hexadecimal digits; signal n is bit n-1 */
            at += string_length(name) + 15 - (size_t)(signal - 1) / 4;
            int digit = at >= end ? 0 : *at >= 'a' ? *at - 'a' + 10 : *at - '0';
            return digit >> (signal - 1) % 4 & 1;
        }
    return false;
}

/* NULL: it is being killed already. */
static const char *why_still_here(struct init *init, const struct member *member)
{
    static const struct { const char *list, *why; } reasons[] = {
        {"SigIgn:\t", "ignores "}, {"ShdPnd:\t", "blocks "}, {"SigCgt:\t", "was not done with its handler of "},
        {"", "did not end on "},
    };
    static char status[4096], why[64];
    const struct process *process = &member->process;
    bool asked = process->pid == init->main || init->daemonized || init->options.reach == TO_TREE ||
                 (init->options.reach == TO_GROUP && process->group == init->main);
    int signal = asked && init->ask_signal ? init->ask_signal : SIGTERM;

    if (process->parent == 0)
        return "came from outside (docker exec); it was told, and nobody waits for it";
    if (init->phase > KILL)
        return process->group == init->hooks[AFTER_EXIT].killed || process->group == init->hooks[BEFORE_STOP].killed ||
                       process->group == init->hooks[AFTER_MAIN].killed
                   ? NULL
                   : "was left behind by a hook";
    if (process->started > init->told_tick)
        return "was started during the stop and never told";
    if (process->state == 'D')
        return "waits for a disk or the network and cannot be interrupted";
    long length = read_file(process->pid, "/status", status, sizeof status - 1);
    status[length > 0 ? length : 0] = '\0';
    size_t reason = 0;
    while (*reasons[reason].list && !list_named(status, length, reasons[reason].list, signal))
        reason++;
    struct text text = text_over(why, sizeof why);
    text_string(&text, reasons[reason].why);
    text_signal(&text, signal);
    text_character(&text, '\0');
    return why;
}

static bool list(struct init *init, const struct member *member)
{
    const char *why = why_still_here(init, member);
    if (why)
        return report_killed(init, member, why);
    init->killed_count--;
    return true;
}

/* Names one, if there is time and room, and kills it; as PID 1 all are killed at once, afterwards. */
static void end_member(struct init *init, const struct member *member)
{
    init->killed_count += look.counted;
    if (look.list_until == NEVER) /* the first one: now that everybody is found, the time for names begins */
        look.list_until = now() + margin(init->options.grace) / 4;
    if (look.list_until && ((init->killed_listed >= FEW && now() > look.list_until) || !list(init, member)))
        look.list_until = 0;
    if (init->self != 1)
        member_signal(member, SIGKILL);
}

void tree_kill(struct init *init, bool listed)
{
    listed = listed && (init->options.report || init->options.verbosity > 0);
    look.list_until = listed ? NEVER : 0;
    look.counted = listed;
    bool seen = (listed || init->self != 1) && tree_each(init, end_member);
    if (init->self == 1 || !seen)
        signal_blindly(init, SIGKILL);
}
