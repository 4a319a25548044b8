/* guest: none at all: blocks TERM and reads it from a signalfd
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 reads-signalfd: TERM from outside, signalfd; exit 0
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(void)
{
	struct signalfd_siginfo told;
	sigset_t term;
	int descriptor;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	descriptor = signalfd(-1, &term, SFD_CLOEXEC);
	(void)!write(1, "ready\n", 6);
	if (read(descriptor, &told, sizeof told) != sizeof told)
		return 1;
	(void)!write(1, "told TERM\n", 10);
	return 0;
}
