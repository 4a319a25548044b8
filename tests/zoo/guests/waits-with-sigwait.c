/* guest: none at all: blocks TERM and takes it with sigwait
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 waits-with-sigwait: TERM from outside, sigwait; exit 0
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;
	int number;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	(void)!write(1, "told TERM\n", 10);
	return 0;
}
