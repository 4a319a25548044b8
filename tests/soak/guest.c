/* guest.c: a service of one of several kinds, and its children; each says in one shared file what happens to it.
 *
 *   guest KIND NAME LOG
 *
 * A line is "NAME PID EVENT": `born` (its handler is in place), `TERM`, `end` (by itself). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int log_fd;
static char name[64];
static volatile sig_atomic_t told;
static int at_once;

static void say(const char *event)
{
    char line[128];
    int length = snprintf(line, sizeof line, "%s %d %s\n", name, (int)getpid(), event);
    if (write(log_fd, line, (size_t)length) < 0)
        _exit(99);
}

static void on_term(int number)
{
    int error = errno;
    (void)number;
    say("TERM");
    told = 1;
    if (at_once) {
        say("end");
        _exit(0);
    }
    errno = error;
}

static void pass(long milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0)
        ;
}

static void hear(void)
{
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    say("born");
}

static void until_told(void)
{
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    while (!told)
        sigsuspend(&before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static _Noreturn void be(const char *kind)
{
    at_once = !strcmp(kind, "quick");
    hear();
    if (!strcmp(kind, "deaf"))
        for (;;)
            pause();
    if (!strcmp(kind, "chatty"))
        while (!told) {
            if (write(1, "a line of the usual length of lines\n", 36) < 0 && errno != EINTR)
                _exit(98);
            pass(1);
        }
    until_told();
    if (!strcmp(kind, "chatty"))
        for (int i = 0; i < 3000; i++)
            if (write(1, "a line of the last words that are said\n", 39) < 0 && errno != EINTR)
                _exit(98);
    pass(50);
    say("end");
    _exit(0);
}

static void child(const char *kind, const char *suffix, int twice)
{
    pid_t pid = fork();
    if (pid) {
        if (twice)
            waitpid(pid, NULL, 0);
        return;
    }
    setsid();
    if (twice && fork())
        _exit(0);
    strcat(name, suffix);
    be(kind);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    const char *kind = argv[1];
    snprintf(name, 40, "%s", argv[2]);
    log_fd = open(argv[3], O_WRONLY | O_APPEND | O_CLOEXEC);
    signal(SIGTERM, SIG_DFL);
    if (!strcmp(kind, "crash")) {
        hear();
        pass(20);
        say("end");
        return 1;
    }
    if (!strcmp(kind, "parent")) {
        child("slow", ".child", 0);
        child("deaf", ".deaf", 0);
        be("slow");
    }
    if (!strcmp(kind, "orphans")) {
        child("slow", ".orphan", 1);
        be("quick");
    }
    if (!strcmp(kind, "burst")) {
        signal(SIGCHLD, SIG_IGN);
        hear();
        while (!told) {
            if (fork() == 0) {
                strcat(name, ".spark");
                say("born");
                pass(10);
                say("end");
                _exit(0);
            }
            pass(5);
        }
        say("end");
        return 0;
    }
    be(kind);
}
