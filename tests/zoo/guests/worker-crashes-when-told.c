/* guest: told TERM the worker crashes; the main process collects it and exits with 0 as if nothing had happened
 * prints: told TERM
 * expect: well, exit 0, 2 processes, EW503
 * expect: 1 worker-crashes-when-told: TERM from outside, handler; exit 0
 * expect: 2 worker-crashes-when-told: TERM from 1, handler; SEGV from kernel, default; dies of SEGV; reaped by 1
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int *volatile nowhere;
static pid_t worker;

static void crash(int number)
{
	(void)!write(1, "told TERM\n", 10);
	*nowhere = number;
}

static void pass_on(int number)
{
	kill(worker, number);
	waitpid(worker, NULL, 0);
	_exit(0);
}

int main(void)
{
	sigset_t term;

	/* Whoever prints `ready` first, nobody hears TERM before it knows what to do. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	worker = fork();
	signal(SIGTERM, worker ? pass_on : crash);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	if (!worker) {
		(void)!write(1, "ready\n", 6);
		for (;;)
			pause();
	}
	for (;;)
		pause();
}
