/* guest: its handler writes to an address that is not there
 * prints: told TERM
 * expect: well, exit 139, 1 process, EW503
 * expect: 1 crashes-when-told: TERM from outside, handler; SEGV from kernel, default; dies of SEGV
 */
#include <signal.h>
#include <unistd.h>

static int *volatile nowhere;

static void told(int number)
{
	(void)!write(1, "told TERM\n", 10);
	*nowhere = number;
}

int main(void)
{
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
