/* spawn.c: a command comes to life, with nothing of ours on it.
 *
 * The child shares our memory until it has executed (CLONE_VM | CLONE_VFORK): no page is copied, and when the call
 * returns the command has already its own group, terminal, mask and program. A signal that comes in between stays pending
 * with us, whole, and is forwarded afterwards: there is no moment in which it could fall through.
 */
#include "getopt.h"

/* Errors after which the next folder of PATH may still hold the command: execvp(3). */
static bool look_further(long error)
{
    return error == -ENOENT || error == -ENOTDIR || error == -EACCES || error == -ESTALE || error == -ENODEV ||
           error == -ETIMEDOUT;
}

static long execute_file(const char *path, char **argv, char **envp)
{
    long error = sys_execve(path, argv, envp);
    if (error == -ENOEXEC) { /* a script without #!, as execvp(3); argv[-1] is ours: a word before the command */
        argv[-1] = "/bin/sh";
        argv[0] = (char *)path;
        sys_execve("/bin/sh", argv - 1, envp);
    }
    return error;
}

static long execute(struct init *init, char **argv, char **envp)
{
    const char *name = argv[0], *path = environment(envp, "PATH");
    long error = -ENOENT, denied = 0;

    if (!*name)
        return -ENOENT;
    if (base_name(name) != name)
        return execute_file(name, argv, envp);
    for (path = path ? path : "/bin:/usr/bin"; ; path++) {
        const char *end = path;
        while (*end && *end != ':')
            end++;
        struct text file = text_over(init->scratch, sizeof init->scratch - 1);
        text_bytes(&file, path, (size_t)(end - path));
        if (end > path)
            text_character(&file, '/');
        text_string(&file, name);
        *file.at = '\0';
        error = file.cut ? -ENAMETOOLONG : execute_file(file.start, argv, envp);
        if (error == -EACCES)
            denied = error;
        if (!look_further(error) && error != -ENAMETOOLONG)
            return error;
        path = end;
        if (!*path)
            return denied ? denied : error;
    }
}

/* systemd's descriptors name the process they are for: sd_listen_fds(3). */
static void pass_on_sockets(struct init *init, char **envp)
{
    for (; *envp; envp++)
        if (string_starts(*envp, "LISTEN_PID=")) {
            const char *value = *envp + 11;
            if (parse_integer(&value) != init->self)
                continue;
            static char renewed[24]; /* not initialised: then the program needs no data segment in its file */
            struct text text = text_over(renewed, sizeof renewed - 1);
            text_string(&text, "LISTEN_PID=");
            text_number(&text, sys_getpid());
            *text.at = '\0';
            *envp = renewed;
        }
}

/* Never inlined: in a frame of its own the child cannot write over what its sleeping parent has on the stack. */
__attribute__((noinline)) static _Noreturn void become(struct init *init, const struct command *command)
{
    const struct persona *persona = init->persona;
    pid_t self = (pid_t)sys_getpid();
    long error = 0;

    if (command->session == OWN_SESSION && (error = sys_setsid()) < 0) {
        persona->say(init, SESSION_FAILED, -error, 0);
        sys_exit_group(persona->own_status);
    }
    if (command->session == OWN_SESSION) {
        if (init->options.take_terminal && (error = sys_ioctl(0, TIOCSCTTY, NULL)) < 0)
            persona->say(init, TERMINAL_FAILED, -error, 0);
        persona->say(init, SESSION_MADE, 0, 0);
    }
    if (command->session == OWN_GROUP) {
        error = sys_setpgid(0, 0);
        persona->say(init, error < 0 ? SESSION_FAILED : SESSION_MADE, -error, 0);
    }
    if (command->session == OWN_GROUP && init->terminal < 0)
        persona->say(init, NO_TERMINAL, -init->terminal, 0);
    if (command->foreground && (error = sys_ioctl(init->terminal, TIOCSPGRP, &self)) < 0)
        persona->say(init, TERMINAL_FAILED, -error, 0);
    if (command->dies_with_us) {
        sys_prctl(PR_SET_PDEATHSIG, SIGTERM);
        pid_t parent = (pid_t)sys_getppid();
        if (parent != init->self && parent != 0) /* 0: the command is PID 1 of a namespace that we are outside of */
            sys_exit_group(128 + SIGTERM);
    }
    if (command->directory >= 0)
        sys_fchdir(command->directory);
    pass_on_sockets(init, command->envp);
    if (init->child_action.handler == SIG_IGN)
        sys_rt_sigaction(SIGCHLD, &init->child_action, NULL);
    sys_rt_sigprocmask(SIG_SETMASK, &init->mask, NULL);

    error = execute(init, command->argv, command->envp);
    if (command->hook) {
        warn(init, "%s hook: cannot run '%s': %e", command->hook, command->argv[0], -error);
        sys_exit_group(error == -ENOENT ? 127 : 126);
    }
    persona->say(init, COMMAND_NOT_STARTED, -error, 0);
    init->exit_status = persona->exec_status((int)-error);
    sys_exit_group(init->exit_status);
}

__attribute__((noinline)) long spawn(struct init *init, const struct command *command)
{
    char *first = command->argv[0], *before = command->argv[-1]; /* execute_file() may change them, in our memory */
    long pid = sys_clone();
    if (pid == 0)
        become(init, command);
    command->argv[0] = first;
    command->argv[-1] = before;
    return pid;
}

/* Opens a file at a number above the standard descriptors: where these are closed, their numbers are not for us. */
long open_above(const char *path, int flags)
{
    long fd = sys_openat(AT_FDCWD, path, flags | O_CLOEXEC, 0);
    if (fd < 0 || fd > 2)
        return fd;
    long above = sys_fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
    sys_close((int)fd);
    return above;
}

/* Let go of what only the command needs: a folder that is to be unmounted, a pipe whose reader waits for EOF. */
void release(struct init *init)
{
    unsigned low = (unsigned)init->report_fd, high = (unsigned)init->directory_fd; /* -1: above every descriptor */
    if (low > high) {
        unsigned other = low;
        low = high;
        high = other;
    }
    unsigned first = init->options.lines[AFTER_MAIN] ? 4 : 3; /* 3: where the main process may have left word for the hook */
    const unsigned kept[] = {low, high, ~0u};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (kept[i] < 3)
            continue;
        unsigned last = kept[i] == ~0u ? ~0u : kept[i] - 1;
        if (first <= last && sys_close_range(first, last) < 0)
            for (unsigned fd = first; fd <= last && fd < 1024; fd++) /* Linux before 5.9 */
                sys_close((int)fd);
        if (last == ~0u)
            break;
        first = kept[i] + 1;
    }
    if (init->terminal > 2)
        init->terminal = -ENOTTY; /* it was only for the command */
    sys_chdir("/");
}
