/* guest: none at all: four threads that signal each other with URG as Go does; one of them takes TERM
 * prints: told TERM
 * expect: well, exit 0, 1 process
 * expect: 1 preempts-like-go: TERM from outside, handler or sigwait; exit 0
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static pthread_t threads[4];
static pthread_barrier_t started;

static void hear(int number)
{
	(void)number;
}

static void told(int number)
{
	(void)number;
	(void)!write(1, "told TERM\n", 10);
	_exit(0);
}

static void *work(void *which)
{
	long me = (long)which;

	pthread_barrier_wait(&started);
	for (;;) {
		pthread_kill(threads[(me + 1) % 4], SIGURG);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return NULL;
}

int main(void)
{
	signal(SIGURG, hear);
	signal(SIGTERM, told);
	pthread_barrier_init(&started, NULL, 5);
	for (long made = 0; made < 4; made++)
		if (pthread_create(&threads[made], NULL, work, (void *)made))
			return 1;
	pthread_barrier_wait(&started);
	(void)!write(1, "ready\n", 6);
	for (;;)
		pause();
}
