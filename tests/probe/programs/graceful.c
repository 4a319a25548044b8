/* A server that loses nothing: told to end it takes no new connection, answers the open ones, and leaves. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 256
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhere\n"

static struct pollfd watched[MOST];
static char heads[MOST][4096];
static size_t lengths[MOST];
static int count;

static void watch(int descriptor)
{
	watched[count].fd = descriptor;
	watched[count].events = POLLIN;
	lengths[count++] = 0;
}

static void forget(int at)
{
	close(watched[at].fd);
	watched[at] = watched[--count];
	memcpy(heads[at], heads[count], lengths[count]);
	lengths[at] = lengths[count];
}

static void take(int listener)
{
	int descriptor;

	while (count < MOST && (descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		watch(descriptor);
}

static void serve(int at)
{
	size_t room = sizeof(heads[at]) - lengths[at];
	ssize_t got = read(watched[at].fd, heads[at] + lengths[at], room);

	if (got <= 0) {
		forget(at);
		return;
	}
	lengths[at] += (size_t)got;
	if (memmem(heads[at], lengths[at], "\r\n\r\n", 4)) {
		send(watched[at].fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL);
		forget(at);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(argv[argc - 1])) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct signalfd_siginfo signal;
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGTERM);
	sigaddset(&told, SIGINT);
	sigprocmask(SIG_BLOCK, &told, NULL);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 128))
		return 1;
	watch(signalfd(-1, &told, SFD_CLOEXEC));
	watch(listener);
	while (poll(watched, (nfds_t)count, -1) > 0) {
		for (int at = count - 1; at > 1; at--)
			if (watched[at].revents)
				serve(at);
		take(listener);
		if (watched[0].revents && read(watched[0].fd, &signal, sizeof(signal)) > 0)
			break;
	}
	close(listener);
	while (count > 2 && poll(watched + 2, (nfds_t)count - 2, -1) > 0)
		for (int at = count - 1; at > 1; at--)
			if (watched[at].revents)
				serve(at);
	return 0;
}
