/* guest: none at all: closes its standard streams once it is ready, and leaves when told
 * expect: well, exit 0, 1 process
 * expect: 1 loses-its-stdio: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <unistd.h>

static void told(int number)
{
	(void)number;
	_exit(0);
}

int main(void)
{
	signal(SIGTERM, told);
	(void)!write(1, "ready\n", 6);
	close(0);
	close(1);
	close(2);
	for (;;)
		pause();
}
