/* guest: told TERM it kills its worker with signal 9 at once, which had something to flush
 * never prints: flushed
 * expect: partial, exit 0, 2 processes, EW408, EW501
 * expect: 1 kills-its-worker: TERM from outside, sigwait; exit 0
 * expect: 2 kills-its-worker: never told; killed by 1; reaped by 1
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void flush(int number)
{
	(void)number;
	(void)!write(1, "flushed\n", 8);
	_exit(0);
}

int main(void)
{
	sigset_t term;
	int number;

	signal(SIGTERM, flush);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	pid_t child = fork();
	if (!child) {
		sigprocmask(SIG_UNBLOCK, &term, NULL);
		for (;;)
			pause();
	}
	(void)!write(1, "ready\n", 6);
	sigwait(&term, &number);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
