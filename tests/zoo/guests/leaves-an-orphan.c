/* guest: its child's child has lost its parent and works on; at the end nobody tells it
 * expect: partial, exit 0, 3 processes, EW404, EW501
 * expect: 1 leaves-an-orphan: TERM from outside, sigwait; exit 0
 * expect: 2 leaves-an-orphan: exit 0; reaped by 1
 * expect: 3 leaves-an-orphan: child of 2; adopted by 1; never told; killed by namespace
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;
	int number;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	pid_t child = fork();
	if (!child) {
		if (!fork())
			for (;;)
				pause();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	return 0;
}
