/* guest: none at all: sets PR_SET_DUMPABLE to 0, so that most of its /proc entries belong to root
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 hides-from-tracers: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	_exit(0);
}

int main(void)
{
	signal(SIGTERM, told);
	prctl(PR_SET_DUMPABLE, 0);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
