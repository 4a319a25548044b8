/* faults.c: system calls that fail when a test wants it; empty unless built with -DSYS_FAULTS.
 *
 * ENDWELL_FAULTS=name:ERRNO[:N] makes the N-th call of sys_name() fail, or every one. Our children share our memory until
 * they execute, so their calls count too.
 */
#include "init.h"

#ifdef SYS_FAULTS
static const struct { const char *name; int error; } errors[] = {
    {"EPERM", EPERM}, {"EINTR", EINTR}, {"EIO", EIO}, {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES},
    {"EINVAL", EINVAL}, {"EMFILE", EMFILE}, {"ENOSPC", ENOSPC}, {"ENOSYS", ENOSYS},
};

static const char *wanted;
static size_t wanted_length;
static long wanted_error;
static int64_t which, count;

void read_faults(char **envp)
{
    const char *fault = environment(envp, "ENDWELL_FAULTS");
    if (!fault)
        return;
    wanted = fault;
    while (fault[wanted_length] && fault[wanted_length] != ':')
        wanted_length++;
    const char *error = fault + wanted_length + (fault[wanted_length] == ':');
    const char *end = error;
    while (*end && *end != ':')
        end++;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (string_starts(error, errors[i].name) && error + string_length(errors[i].name) == end)
            wanted_error = errors[i].error;
    if (*end)
        parse_number(end + 1, end + string_length(end), INT32_MAX, &which);
}

long sys_fault(const char *name)
{
    if (!wanted_error || !string_starts(wanted, name) || string_length(name) != wanted_length)
        return 0;
    return ++count == which || !which ? -wanted_error : 0;
}
#else
typedef int nothing; /* ISO C forbids an empty translation unit */
#endif
