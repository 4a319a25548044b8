/* guest: cleans up, restores the default and signals itself again, as the manual says: PID 1 survives that
 * grace: 0.5
 * prints: told TERM; flushed
 * expect: killed, exit 137, 1 process, EW206
 * expect: 1 signals-itself-in-vain: TERM from outside, handler; TERM from itself, discarded; killed by engine
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
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
