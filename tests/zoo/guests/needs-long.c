/* guest: needs 0.8 s for its clean-up after TERM, or so many seconds as it is given, however often it is told
 * prints: told TERM; flushed
 * expect: well, exit 0, 1 process
 * expect: 1 needs-long: TERM from outside, handler; exit 0
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../parent.h"

static volatile sig_atomic_t told;

static void hear(int number)
{
	told = number;
}

int main(int count, char **words)
{
	long milliseconds = count > 1 ? 1000 * atol(words[1]) : 800;
	sigset_t term, before;
	struct timespec until;

	signal(SIGTERM, hear);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	let_the_parent_wait();
	(void)!write(1, "ready\n", 6);
	while (!told)
		sigsuspend(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	(void)!write(1, "told TERM\n", 10);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	(void)!write(1, "flushed\n", 8);
	return 0;
}
