/* guest: starts and starts and never says that it is ready; told TERM it leaves
 * ready: never
 * prints: told TERM
 * expect: well, exit 0, 1 process, EW505
 * expect: 1 never-gets-ready: TERM from outside, handler; exit 0
 */
#include <signal.h>
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
	(void)!write(1, "starting\n", 9);
	for (;;)
		pause();
}
