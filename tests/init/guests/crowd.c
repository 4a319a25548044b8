/* A crowd: `crowd deaf N` has N children that ignore SIGTERM and SIGINT, `crowd orphans N` leaves N orphans that end at once,
 * `crowd burst N` leaves N orphans that all end at one moment. Without libc's stdio: each process is as small as can be. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *line)
{
	if (write(1, line, strlen(line)) < 0)
		_exit(9);
}

/* Processes besides us and PID 1; everybody else of the namespace has to be gone in the end, zombies too. */
static int others(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && atoi(entry->d_name) != getpid() &&
		    atoi(entry->d_name) != getppid() && atoi(entry->d_name) != 1)
			found++;
	closedir(proc);
	return found;
}

int main(int count, char **words)
{
	int number = count > 2 ? atoi(words[2]) : 0, gate[2], alive[2];
	char byte;

	if (!strcmp(words[1], "deaf")) {
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		for (int i = 0; i < number; i++) {
			pid_t child = fork();
			if (child < 0) {
				say("cannot fork\n");
				return 1;
			}
			if (!child)
				for (;;)
					pause();
		}
		say("ready\n");
		for (;;)
			pause();
	}
	if (pipe2(gate, O_CLOEXEC) || pipe2(alive, O_CLOEXEC))
		return 9;
	for (int i = 0; i < number; i++) {
		pid_t parent = fork();
		if (parent < 0) {
			say("cannot fork\n");
			return 1;
		}
		if (!parent) {
			if (!fork()) {
				close(gate[1]);
				close(alive[0]);
				if (!strcmp(words[1], "burst") && read(gate[0], &byte, 1) < 0)
					_exit(9);
				_exit(i & 1);
			}
			_exit(0);
		}
		waitpid(parent, NULL, 0);
	}
	close(gate[1]); /* now the burst ends */
	close(alive[1]);
	if (read(alive[0], &byte, 1))
		return 9;
	while (others())
		sched_yield();
	say("nobody is left\n");
	return 0;
}
