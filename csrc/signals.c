/* signals.c: names and numbers of signals, as kill(1), Docker and Kubernetes write them. */
#include "init.h"

const char signal_names[32][8] = {
    "",     "HUP",  "INT",  "QUIT",   "ILL",  "TRAP", "ABRT", "BUS",  "FPE",  "KILL",   "USR1",
    "SEGV", "USR2", "PIPE", "ALRM",   "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
    "TTOU", "URG",  "XCPU", "XFSZ",   "VTALRM", "PROF", "WINCH", "IO", "PWR",  "SYS",
};

static const struct { char name[7]; uint8_t signal; } aliases[] = {
    {"IOT", SIGABRT}, {"CLD", SIGCHLD}, {"POLL", SIGIO}, {"UNUSED", SIGSYS},
};

/* Is from..end this name, whatever its case? */
static bool named(const char *from, const char *end, const char *name)
{
    for (; from < end && *name; from++, name++)
        if ((*from >= 'a' && *from <= 'z' ? *from - 32 : *from) != *name)
            return false;
    return from == end && !*name;
}

/* RTMIN, RTMIN+3, RTMAX-1; also RTMIN-1 and RTMIN-2, the two that belong to the C library. */
static bool parse_real_time(const char *from, const char *end, int *signal)
{
    if (end - from < 5)
        return false;
    bool low = named(from, from + 5, "RTMIN");
    int64_t distance = 0;
    if (!low && !named(from, from + 5, "RTMAX"))
        return false;
    if (end - from > 5 &&
        ((from[5] != '-' && from[5] != '+') || !parse_number(from + 6, end, SIGRTMAX - 32, &distance)))
        return false;
    *signal = (low ? SIGRTMIN : SIGRTMAX) + (int)(end - from > 5 && from[5] == '+' ? distance : -distance);
    return *signal >= 32 && *signal <= SIGRTMAX;
}

bool parse_signal(const char *from, const char *end, int *signal)
{
    int64_t number;
    if (parse_number(from, end, SIGRTMAX, &number)) {
        *signal = (int)number;
        return number >= 1;
    }
    if (end - from > 3 && named(from, from + 3, "SIG"))
        from += 3;
    for (int i = 1; i < 32; i++)
        if (named(from, end, signal_names[i])) {
            *signal = i;
            return true;
        }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (named(from, end, aliases[i].name)) {
            *signal = aliases[i].signal;
            return true;
        }
    return parse_real_time(from, end, signal);
}
