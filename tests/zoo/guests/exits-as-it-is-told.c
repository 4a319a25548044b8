/* guest: told TERM it flushes and exits with the status that its argument names (0)
 * prints: told TERM; flushed
 * expect: well, exit 0, 1 process
 * expect: 1 exits-as-it-is-told: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int status;

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\nflushed\n", 18);
	_exit(status);
}

int main(int count, char **arguments)
{
	status = count > 1 ? atoi(arguments[1]) : 0;
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
