/* guest: calls abort in its handler
 * prints: told TERM
 * expect: well, EW503
 * expect: 1 aborts-when-told: TERM from outside, handler; ABRT from itself, discarded; ...; dies of SEGV
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	abort();
}

int main(void)
{
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
