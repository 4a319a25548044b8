/* guest: ignores TERM
 * grace: 0.5
 * expect: killed, exit 137, 1 process, EW202
 * expect: 1 ignores-term: TERM from outside, ignored; killed by engine
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	signal(SIGTERM, SIG_IGN);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
