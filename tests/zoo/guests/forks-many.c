/* guest: has forked a hundred children (or as many as its argument says) that stay, and tells none of them
 * expect: partial, exit 0, 101 processes, EW402, EW501
 * expect: 1 forks-many: TERM from outside, sigwait; exit 0
 * expect: 100 x forks-many: child of 1; never told; killed by namespace
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	int left = count > 1 ? atoi(arguments[1]) : 100, number;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (left--)
		if (!fork())
			for (;;)
				pause();
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	return 0;
}
