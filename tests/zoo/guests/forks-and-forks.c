/* guest: starts one short-lived child after the other, 300 (or as many as its argument says), and collects each
 * expect: well, exit 0, 301 processes
 * expect: 1 forks-and-forks: TERM from outside, sigwait; exit 0
 * expect: 300 x forks-and-forks: child of 1; exit 0; reaped by 1
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	int left = count > 1 ? atoi(arguments[1]) : 300, number;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (left--) {
		pid_t child = fork();
		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	return 0;
}
