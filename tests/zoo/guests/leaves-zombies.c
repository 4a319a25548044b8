/* guest: its three children ended more than a second before the stop, and it never collects them
 * expect: well, exit 0, 4 processes, EW403
 * expect: 1 leaves-zombies: TERM from outside, sigwait; exit 0
 * expect: 3 x leaves-zombies: child of 1; exit 0; zombie
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	sigset_t term;
	int number;
	siginfo_t ended;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	for (number = 0; number < 3; number++) {
		pid_t child = fork();
		if (!child)
			_exit(0);
		waitid(P_PID, child, &ended, WEXITED | WNOWAIT);
	}
	/* Who collects late is no news: it takes a second of this before anybody speaks of zombies. */
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	return 0;
}
