/* guest: needs 2.6 s of a grace period of 3 s: it ends well today
 * grace: 3
 * prints: told TERM; flushed
 * expect: well, exit 0, 1 process, EW303
 * expect: 1 takes-most-of-the-grace: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 600000000}, NULL);
	(void)!write(1, "flushed\n", 8);
	_exit(0);
}

int main(void)
{
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
