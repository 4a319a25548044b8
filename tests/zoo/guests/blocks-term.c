/* guest: blocks TERM and never takes it
 * grace: 0.5
 * expect: killed, exit 137, 1 process, EW203
 * expect: 1 blocks-term: TERM from outside, pending; killed by engine
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
