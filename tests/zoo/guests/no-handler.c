/* guest: has no handler for TERM, so as PID 1 it never hears it; the highest real-time signal makes it exit 3
 * grace: 0.5
 * expect: killed, exit 137, 1 process, EW201
 * expect: 1 no-handler: TERM from outside, discarded; killed by engine
 */
#include <signal.h>
#include <unistd.h>

#include "../parent.h"

static void leave(int number)
{
	(void)number;
	_exit(3);
}

int main(void)
{
	signal(SIGRTMAX, leave);
	let_the_parent_wait();
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
