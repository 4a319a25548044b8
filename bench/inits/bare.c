/* The floor: an init without a libc that blocks, forks, and waits for signals and children; nothing else.
 * Usage: bare [--] COMMAND [ARGUMENT...], COMMAND with its path (there is no search). It forwards every signal it
 * can, reaps, and ends with the command's status. What a real init costs is measured against this. With -DSHARE the
 * child borrows our memory until it executes, as vfork() does, instead of getting a copy. */
#include "nolibc.h"

enum { HOW_SET = 2, CHILD_ENDED = 17, NO_HANG = 1, SHARE_MEMORY = 0x100, WAIT_FOR_EXEC = 0x4000 };

#ifdef SHARE
enum { FORK = CHILD_ENDED | SHARE_MEMORY | WAIT_FOR_EXEC };
#else
enum { FORK = CHILD_ENDED };
#endif

int run(int count, char **words, char **environment)
{
    unsigned long all = ~0UL, before = 0;
    int first = 1;
    if (count > 1 && words[1][0] == '-' && words[1][1] == '-' && words[1][2] == 0)
        first = 2;
    if (first >= count)
        return 125;
    call(__NR_rt_sigprocmask, HOW_SET, (long)&all, (long)&before, sizeof all);
    long child = call(__NR_clone, FORK, 0, 0, 0);
    if (child == 0) {
        call(__NR_rt_sigprocmask, HOW_SET, (long)&before, 0, sizeof before);
        call(__NR_execve, (long)words[first], (long)(words + first), (long)environment, 0);
        return 127;
    }
    if (child < 0)
        return 125;
    for (;;) {
        long number = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof all);
        if (number != CHILD_ENDED) {
            if (number > 0)
                call(__NR_kill, child, number, 0, 0);
            continue;
        }
        int status;
        long ended;
        while ((ended = call(__NR_wait4, -1, (long)&status, NO_HANG, 0)) > 0)
            if (ended == child)
                return (status & 0x7f) ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
    }
}
