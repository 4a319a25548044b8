/* guest: needs 0.2 s for its clean-up after TERM
 * prints: told TERM; flushed
 * expect: well, exit 0, 1 process
 * expect: 1 flushes-slowly: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../parent.h"

static volatile sig_atomic_t told;

static void hear(int number)
{
	told = number;
}

int main(void)
{
	sigset_t term, before;

	signal(SIGTERM, hear);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	let_the_parent_wait();
	(void)!write(1, "ready\n", 6);
	while (!told)
		sigsuspend(&before);
	(void)!write(1, "told TERM\n", 10);
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	(void)!write(1, "flushed\n", 8);
	return 0;
}
