/* guest: handles TERM and never gets to the end of its clean-up
 * grace: 0.5
 * prints: told TERM
 * expect: killed, exit 137, 1 process, EW301
 * expect: 1 never-ends-its-clean-up: TERM from outside, handler; killed by engine
 */
#include <signal.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	for (;;)
		pause();
}

int main(void)
{
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
