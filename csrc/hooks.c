/* hooks.c: what the user wants done before the stop, when the main process has left others behind, and at the very end.
 *
 * A hook has its own deadline and never keeps the container: when its time is over its process group is killed, and the stop
 * goes on. What it should know it finds in its environment: ENDWELL_REMAINING (seconds it has), ENDWELL_SIGNAL
 * (that asked for the stop; empty when the main process left by itself), ENDWELL_STATUS (of the main process, as a shell
 * would say it; empty while it runs).
 */
#include "init.h"

const char *const hook_names[HOOKS] = {"before-stop", "after-main", "after-exit"};

/* A plain word needs no shell, so that hooks work in an image that has none; as make(1) does it. */
static bool needs_shell(const char *command)
{
    for (; *command; command++)
        for (const char *special = " \t\n|&;<>()$`\\\"'*?[]#~=%{}!"; *special; special++)
            if (*command == *special)
                return true;
    return false;
}

enum { REMAINING, SIGNAL, STATUS, VARIABLES };
static const char variables[VARIABLES][19] = {"ENDWELL_REMAINING=", "ENDWELL_SIGNAL=", "ENDWELL_STATUS="};

static char *variable(struct text *text, int which)
{
    char *start = text->at;
    text_string(text, variables[which]);
    return start;
}

/* The environment and our three variables; without them if there is no memory for the list. */
static char **hook_environment(struct init *init, nanoseconds left, struct text *text)
{
    static char **list;
    size_t count = 0, kept = 0;

    while (init->envp[count])
        count++;
    if (!list) {
        long memory = sys_mmap((count + 4) * sizeof *list);
        if (memory < 0 && memory > -4096)
            return init->envp;
        list = (char **)memory;
    }
    for (size_t i = 0; i < count; i++) {
        list[kept++] = init->envp[i];
        for (int which = 0; which < VARIABLES; which++)
            if (string_starts(init->envp[i], variables[which])) {
                kept--;
                break;
            }
    }
    if (left != NEVER) {
        list[kept++] = variable(text, REMAINING);
        text_seconds(text, left);
        text_character(text, '\0');
    }
    list[kept++] = variable(text, SIGNAL);
    if (init->stop_signal)
        text_signal(text, init->stop_signal);
    text_character(text, '\0');
    list[kept++] = variable(text, STATUS);
    if (!init->main_alive)
        text_number(text, shell_status(init->main_status));
    text_character(text, '\0');
    list[kept] = NULL;
    return list;
}

void hook_start(struct init *init, enum hook_name name, nanoseconds until)
{
    const char *line = init->options.lines[name];
    char *argv[] = {"", "/bin/sh", "-c", (char *)line, NULL}; /* argv[-1] belongs to execute() */
    char *plain[] = {"", (char *)line, NULL};
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    struct hook *hook = &init->hooks[name];
    nanoseconds began = now();

    struct command command = {
        .argv = needs_shell(line) ? argv + 1 : plain + 1,
        .envp = hook_environment(init, until == NEVER ? NEVER : until - began, &text),
        .session = OWN_GROUP,
        .directory = init->directory_fd,
        .hook = hook_names[name],
    };
    *hook = (struct hook){.began = began, .until = until, .ran = true};
    long pid = spawn(init, &command);
    if (pid < 0) {
        hook->status = (int)pid;
        warn(init, "%s hook: cannot start '%s': %e; going on without it", hook_names[name], line, -pid);
        return;
    }
    hook->pid = (pid_t)pid;
    say(init, "%s hook started", hook_names[name]);
}

void hook_ended(struct init *init, struct hook *hook, int status)
{
    const char *name = hook_names[hook - init->hooks];
    hook->pid = 0;
    hook->status = status;
    hook->took = now() - hook->began;
    if (status)
        warn(init, "%s hook failed with %d after %t s; going on", name, (long)shell_status(status), hook->took);
    else
        say(init, "%s hook done after %t s", name, hook->took);
}

/* Its time is over. It is forgotten at once: should it not die, it must not keep us. */
void hook_late(struct init *init, enum hook_name name)
{
    struct hook *hook = &init->hooks[name];
    sys_kill(-hook->pid, SIGKILL);
    hook->killed = hook->pid;
    hook->pid = 0;
    hook->status = SIGKILL;
    hook->took = now() - hook->began;
    warn(init, "%s hook was killed: it was not done after %t s; give it more --hook-timeout", hook_names[name],
         hook->took);
}
