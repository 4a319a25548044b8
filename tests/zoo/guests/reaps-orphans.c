/* guest: none at all: collects the orphans that its children leave
 * prints: 3 reaped
 * expect: well, exit 0, 7 processes
 * expect: 1 reaps-orphans: TERM from outside, sigwait; exit 0
 * expect: 3 x reaps-orphans: child of 1; exit 0; reaped by 1
 * expect: 3 x reaps-orphans: adopted by 1; exit 0; reaped by 1
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;
	int number, reaped, held[2];
	char byte;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	for (number = 0; number < 3; number++) {
		/* The orphan ends when its parent has been collected and it is ours, not before. */
		if (pipe(held))
			return 1;
		pid_t child = fork();
		if (!child) {
			if (!fork()) {
				close(held[1]);
				(void)!read(held[0], &byte, 1);
			}
			_exit(0);
		}
		waitpid(child, NULL, 0);
		close(held[1]);
		close(held[0]);
	}
	for (reaped = 0; wait(NULL) > 0; reaped++)
		;
	dprintf(1, "%d reaped\n", reaped);
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	return 0;
}
