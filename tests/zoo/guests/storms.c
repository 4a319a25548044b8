/* guest: told TERM it sends its child 300 of them, and waits for it
 * expect: well, exit 0, 2 processes, EW407
 * expect: 1 storms: TERM from outside, sigwait; exit 0
 * expect: 2 storms: TERM from 1, sigwait; ...; exit 0; reaped by 1
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;
	int number;
	siginfo_t sender;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	pid_t child = fork();
	if (!child) {
		while (sigwaitinfo(&term, &sender) < 0)
			;
		while (sigtimedwait(&term, &sender, &(struct timespec){.tv_nsec = 200000000}) > 0)
			;
		_exit(0);
	}
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	for (number = 0; number < 300; number++) {
		kill(child, SIGTERM);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	waitpid(child, NULL, 0);
	return 0;
}
