/* guest: signals itself again after its clean-up, which PID 1 survives, and then exits with 143: no harm
 * prints: told TERM; flushed
 * expect: well, exit 143, 1 process, perhaps EW206
 * expect: 1 signals-itself-and-exits: TERM from outside, handler; TERM from itself, discarded; exit 143
 */
#include <signal.h>
#include <unistd.h>

static int done[2];

static void told(int number)
{
	(void)!write(1, "told TERM\nflushed\n", 18);
	signal(number, SIG_DFL);
	raise(number);
	(void)!write(done[1], "", 1);
}

int main(void)
{
	char byte;

	if (pipe(done))
		return 1;
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	(void)!read(done[0], &byte, 1); /* also when it was told before it came here */
	return 143;
}
