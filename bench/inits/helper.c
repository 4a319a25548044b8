/* The measuring half of the benchmark, in C because what it times lasts microseconds.
 *
 *   helper start ROUNDS SEED + COMMAND... + COMMAND... + ...
 *       starts every command once a round, in a new random order each round, and waits for it;
 *       prints a line a round: "wall:cpu" in nanoseconds per command, in the order given
 *   helper pid1 INIT...      runs INIT as PID 1 of a fresh PID namespace, standard streams kept; its status is ours
 *   helper latency SIGNALS INIT... helper guest stamp
 *       as pid1, then SIGNALS times: SIGUSR1 to INIT, until the guest's handler has said when it ran; prints each delay
 *   helper reap INIT... helper guest orphans|crowd NUMBER
 *       as pid1; prints "wall cpu": how long the guest took, and the time INIT itself spent on a processor meanwhile
 *   helper guest pause|stamp|orphans|crowd ...    what runs under the init
 *
 * A guest writes one byte when it is ready and ends with its standard input. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void fail(const char *what)
{
    fprintf(stderr, "helper: %s: %s\n", what, strerror(errno));
    _exit(1);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void get(int from, void *where, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t n = read(from, (char *)where + have, size - have);
        if (n == 0)
            errno = EPIPE;
        if (n == 0 || (n < 0 && errno != EINTR))
            fail("the guest said nothing");
        have += n > 0 ? (size_t)n : 0;
    }
}

static void put(int to, const void *what, size_t size)
{
    if (write(to, what, size) != (ssize_t)size)
        fail("write");
}

/* ---- start ---- */

enum { MOST_COMMANDS = 32 };

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % limit);
}

static int64_t processor_time(const struct rusage *usage)
{
    return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * INT64_C(1000000000) +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * INT64_C(1000);
}

static int start(char **words)
{
    char **commands[MOST_COMMANDS];
    int64_t wall[MOST_COMMANDS], cpu[MOST_COMMANDS];
    unsigned order[MOST_COMMANDS], commands_count = 0;
    long rounds = atol(words[0]);
    random_state = strtoull(words[1], NULL, 10) * 2654435769u + 88172645463325252u;
    for (char **word = words + 2; *word; word++)
        if (strcmp(*word, "+") == 0) {
            if (commands_count == MOST_COMMANDS)
                return 2;
            *word = NULL;
            order[commands_count] = commands_count;
            commands[commands_count++] = word + 1;
        }
    while (rounds-- > 0) {
        for (unsigned i = commands_count - 1; i > 0; i--) {
            unsigned j = random_below(i + 1), kept = order[i];
            order[i] = order[j], order[j] = kept;
        }
        for (unsigned i = 0; i < commands_count; i++) {
            char **command = commands[order[i]];
            struct rusage usage;
            int status;
            pid_t child;
            int64_t before = now();
            errno = posix_spawn(&child, command[0], NULL, NULL, command, environ);
            if (errno)
                fail(command[0]);
            if (wait4(child, &status, 0, &usage) != child)
                fail("wait4");
            wall[order[i]] = now() - before;
            cpu[order[i]] = processor_time(&usage);
            if (status != 0) {
                fprintf(stderr, "helper: %s ended with wait status 0x%x\n", command[0], status);
                return 1;
            }
        }
        for (unsigned i = 0; i < commands_count; i++)
            printf("%lld:%lld%c", (long long)wall[i], (long long)cpu[i], i + 1 < commands_count ? ' ' : '\n');
    }
    return 0;
}

/* ---- as PID 1 of a fresh namespace ---- */

static void put_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        if (write(file, text, strlen(text)) < 0)
            fail(path);
        close(file);
    }
}

/* Who is not root gets a user namespace, and is root in it. */
static void new_namespaces(void)
{
    char map[64];
    unsigned user = geteuid(), group = getegid();
    if (unshare((user ? CLONE_NEWUSER : 0) | CLONE_NEWPID) < 0)
        fail("cannot make a PID namespace");
    if (user == 0)
        return;
    put_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", user);
    put_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", group);
    put_file("/proc/self/gid_map", map);
}

/* Starts the init; with `guest` given, guest[1] is the guest's standard input and guest[0] its output. */
static pid_t as_pid1(char **init, int guest[2])
{
    int to[2], from[2];
    if (guest && (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0))
        fail("pipe2");
    new_namespaces();
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (guest && (dup2(to[0], 0) < 0 || dup2(from[1], 1) < 0))
            fail("dup2");
        execv(init[0], init);
        fail(init[0]);
    }
    if (guest) {
        close(to[0]), close(from[1]);
        guest[0] = from[0], guest[1] = to[1];
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int pid1(char **init)
{
    return end_of(as_pid1(init, NULL));
}

static int latency(char **words)
{
    char ready;
    int guest[2];
    long signals = atol(words[0]);
    struct timespec pause = {0, 300000};
    pid_t init = as_pid1(words + 1, guest);
    get(guest[0], &ready, 1);
    while (signals-- > 0) {
        int64_t handled, sent;
        nanosleep(&pause, NULL); /* both processes are asleep again, as they are in a container */
        sent = now();
        if (kill(init, SIGUSR1) < 0)
            fail("kill");
        get(guest[0], &handled, sizeof handled);
        printf("%lld\n", (long long)(handled - sent));
    }
    close(guest[1]);
    end_of(init);
    return 0;
}

static int64_t time_on_processor(pid_t process)
{
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/schedstat", process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (n <= 0)
        fail(path);
    close(file);
    text[n] = 0;
    return strtoll(text, NULL, 10);
}

static int reap(char **init_words)
{
    char ready;
    int guest[2];
    int64_t took, before;
    pid_t init = as_pid1(init_words, guest);
    get(guest[0], &ready, 1);
    before = time_on_processor(init);
    put(guest[1], "g", 1);
    get(guest[0], &took, sizeof took);
    printf("%lld %lld\n", (long long)took, (long long)(time_on_processor(init) - before));
    close(guest[1]);
    end_of(init);
    return 0;
}

/* ---- guests ---- */

static void stamp(int number)
{
    int64_t time = now();
    (void)number;
    if (write(1, &time, sizeof time) < 0)
        _exit(1);
}

/* A child of a child that has ended: it joins `group`, waits for the end of `gate` if there is one, and ends. */
static void orphan(pid_t group, const int *gate)
{
    pid_t middle = fork();
    if (middle < 0)
        fail("fork");
    if (middle == 0) {
        pid_t child = fork();
        if (child < 0)
            fail("fork");
        setpgid(child, group);
        if (child == 0 && gate) {
            char byte;
            close(gate[1]);
            while (read(gate[0], &byte, 1) < 0)
                ;
        }
        _exit(0);
    }
    while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* A process group exists until its last member is reaped: that is how the guest sees that the init is done. */
static void until_reaped(pid_t group)
{
    struct timespec pause = {0, 50000};
    while (kill(-group, 0) == 0)
        nanosleep(&pause, NULL);
}

/* NUMBER orphans one after the other; or, as a crowd, all waiting first and then ending at the same moment. */
static void orphans(long number, int crowd)
{
    int gate[2];
    char go;
    int64_t before, took;
    if (pipe(gate) < 0)
        fail("pipe");
    pid_t leader = fork();
    if (leader == 0) {
        pause(); /* founds the group and holds it open until all have joined */
        _exit(0);
    }
    setpgid(leader, leader);
    for (long i = 0; crowd && i < number; i++)
        orphan(leader, gate);
    put(1, "r", 1);
    get(0, &go, 1);
    before = now();
    for (long i = 0; !crowd && i < number; i++)
        orphan(leader, NULL);
    kill(leader, SIGKILL);
    waitpid(leader, NULL, 0);
    close(gate[1]);
    until_reaped(leader);
    took = now() - before;
    put(1, &took, sizeof took);
}

static int guest(char **words)
{
    if (strcmp(words[0], "orphans") == 0 || strcmp(words[0], "crowd") == 0) {
        orphans(atol(words[1]), words[0][0] == 'c');
    } else {
        if (strcmp(words[0], "stamp") == 0)
            signal(SIGUSR1, stamp);
        put(1, "r", 1);
    }
    char byte;
    while (read(0, &byte, 1) != 0)
        ;
    return 0;
}

int main(int count, char **words)
{
    static const struct {
        const char *name;
        int least;
        int (*run)(char **words);
    } modes[] = {
        {"start", 4, start}, {"pid1", 1, pid1}, {"latency", 2, latency}, {"reap", 1, reap}, {"guest", 1, guest},
    };
    for (unsigned i = 0; count > 1 && i < sizeof modes / sizeof *modes; i++)
        if (strcmp(words[1], modes[i].name) == 0 && count - 2 >= modes[i].least)
            return modes[i].run(words + 2);
    fputs("helper: see the top of helper.c\n", stderr);
    return 2;
}
