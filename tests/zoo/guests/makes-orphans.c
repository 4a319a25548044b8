/* guest: leaves orphans (20, or as many as its argument says) behind and prints how many zombies stay, for 1 s at most
 * prints: 20 zombies
 * expect: unknown, exit 0, by itself, 41 processes, EW502
 * expect: 1 makes-orphans: exit 0
 * expect: 20 x makes-orphans: child of 1; exit 0; reaped by 1
 * expect: 20 x makes-orphans: adopted by 1; exit 0; zombie
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int zombies(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300], line[512], *after, state;
	int found = 0, parent;

	while ((entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		FILE *stat = fopen(path, "r");
		if (!stat)
			continue;
		line[fread(line, 1, sizeof line - 1, stat)] = 0;
		fclose(stat);
		for (after = line; *after && *after != ')'; after++)
			;
		if (sscanf(after, ") %c %d", &state, &parent) == 2 && state == 'Z')
			found++;
	}
	closedir(proc);
	return found;
}

int main(int count, char **arguments)
{
	int left = count > 1 ? atoi(arguments[1]) : 20, remaining;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	for (int made = 0; made < left; made++) {
		pid_t parent = fork();
		if (parent < 0) {
			puts("cannot fork");
			return 1;
		}
		if (!parent) {
			fork(); /* both leave at once; nobody waits for the child's child */
			_exit(0);
		}
		waitpid(parent, NULL, 0);
	}
	for (int turn = 0; (remaining = zombies()) && turn < 100; turn++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	printf("%d zombies\n", remaining);
	return 0;
}
