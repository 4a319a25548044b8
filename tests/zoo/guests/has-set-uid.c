/* guest: none at all: a set-user-ID program started by nobody; it says whether the kernel let it become root
 * run: setpriv --reuid 65534 --regid 65534 --clear-groups {self}
 * needs: setpriv root
 * mode: setuid
 * prints: runs as 0 for 65534; told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 has-set-uid: TERM from outside, handler; exit 0
 */
#include <signal.h>
#include <stdio.h>
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
	dprintf(1, "runs as %d for %d\n", (int)geteuid(), (int)getuid());
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
