/* guest: prints 20 000 lines (or as many as its argument says) before it is ready, and one more when told
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 prints-without-end: TERM from outside, sigwait; exit 0
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
	long left = count > 1 ? atol(arguments[1]) : 20000;
	sigset_t term;
	int number;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (left--)
		printf("%ld lines to go, and none of them says anything at all\n", left);
	puts("ready");
	fflush(stdout);
	sigwait(&term, &number);
	puts("told TERM");
	return 0;
}
