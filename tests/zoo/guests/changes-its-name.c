/* guest: none at all: calls itself sshd, by prctl and in its arguments
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	_exit(0);
}

int main(int count, char **arguments)
{
	(void)count;
	signal(SIGTERM, told);
	prctl(PR_SET_NAME, "sshd) R 1 (");
	memset(arguments[0], 0, strlen(arguments[0]));
	memcpy(arguments[0], "sshd", 4);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
