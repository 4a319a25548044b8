/* guest: none at all: told TERM it flushes and exits with its own status 7 (the one that shows that the others can fail)
 * prints: told TERM; flushed
 * expect: well, exit 7, 1 process, EW504
 * expect: 1 handles-term: TERM from outside, handler; exit 7
 */
#include <signal.h>
#include <unistd.h>

#include "../parent.h"

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\nflushed\n", 18);
	_exit(7);
}

int main(void)
{
	signal(SIGTERM, told);
	let_the_parent_wait();
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
