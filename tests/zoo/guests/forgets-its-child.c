/* guest: leaves with 0 when told; its child, which would have flushed, is never told
 * never prints: flushed
 * expect: partial, exit 0, 2 processes, EW402, EW501
 * expect: 1 forgets-its-child: TERM from outside, handler; exit 0
 * expect: 2 forgets-its-child: child of 1; never told; killed by namespace
 */
#include <signal.h>
#include <unistd.h>

static void leave(int number)
{
	(void)number;
	_exit(0);
}

static void flush(int number)
{
	(void)number;
	(void)!write(1, "flushed\n", 8);
	_exit(0);
}

int main(void)
{
	if (!fork()) {
		signal(SIGTERM, flush);
		for (;;)
			pause();
	}
	signal(SIGTERM, leave);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
