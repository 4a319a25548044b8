/* guest: signals itself again after its clean-up, which PID 1 survives, and then exits with 143: no harm
 * prints: told TERM; flushed
 * expect: well, exit 143, 1 process, perhaps EW206
 * expect: 1 signals-itself-and-exits: TERM from outside, handler; TERM from itself, discarded; exit 143
 */
#include <signal.h>
#include <unistd.h>

static void told(int number)
{
	(void)!write(1, "told TERM\nflushed\n", 18);
	signal(number, SIG_DFL);
	raise(number);
}

int main(void)
{
	sigset_t none;

	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	sigemptyset(&none);
	sigsuspend(&none);
	return 143;
}
