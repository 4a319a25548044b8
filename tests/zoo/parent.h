/* Whoever started a guest in the background has not noted its number yet when that runs before it, and a signal
 * which comes then is passed on to nobody. A shell that waits sleeps; whoever never does is not waited for.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void let_the_parent_wait(void)
{
	char path[32], stat[256], *name_end;
	int tries, file;
	ssize_t size;

	for (tries = 0; tries < 100000; tries++) {
		snprintf(path, sizeof path, "/proc/%d/stat", (int)getppid());
		file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return;
		size = read(file, stat, sizeof stat - 1);
		close(file);
		stat[size < 0 ? 0 : size] = '\0';
		name_end = strrchr(stat, ')');
		if (!name_end || name_end[2] == 'S')
			return;
		sched_yield();
	}
}
