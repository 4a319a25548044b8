/* The service that every supervisor runs in the benchmark. It reports what happens to it to a FIFO, with the
 * time, and holds the FIFO open: its end of file says that all of them have ended.
 *
 *     guest FIFO NUMBER wait           waits, and ends as SIGTERM ends who has no handler
 *     guest FIFO NUMBER slow MS        reports SIGTERM, and ends MS milliseconds later
 *     guest FIFO NUMBER fail           ends at once, with status 1
 *     guest FIFO NUMBER write MB BLOCK writes so many megabytes of 100-byte lines to its stdout, BLOCK bytes at
 *                                      a time, then waits
 *     guest FIFO NUMBER flood          writes lines for ever
 *
 * The words may also come as one, as they do from the first line of a script: `#!/path/guest FIFO NUMBER wait`.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 100

struct record {
    int64_t time; /* of the monotonic clock, in ns */
    int32_t pid;
    uint16_t number;
    uint16_t what; /* S started, T told, B began to write, E wrote all */
};

static int report_to;
static uint16_t number;
static volatile sig_atomic_t pause_ms;
static char block[1 << 20];

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

static void report(char what)
{
    struct record record = {now(), getpid(), number, (uint16_t)what};
    if (write(report_to, &record, sizeof record) != sizeof record)
        _exit(3);
}

static void told(int signal)
{
    (void)signal;
    report('T');
    struct timespec left = {pause_ms / 1000, pause_ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) < 0)
        ;
    _exit(0);
}

static void put(size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t some = write(1, block + done, size - done);
        if (some < 0)
            _exit(4);
        done += (size_t)some;
    }
}

static void write_lines(int64_t size, size_t piece)
{
    piece -= piece % LINE; /* whole lines, so that each piece begins where a line does */
    for (size_t at = 0; at < piece; at++)
        block[at] = at % LINE == LINE - 1 ? '\n' : (char)('a' + at % LINE % 26);
    report('B');
    while (size >= (int64_t)piece) {
        put(piece);
        size -= (int64_t)piece;
    }
    put((size_t)size);
    report('E');
}

int main(int count, char **words)
{
    char *split[8] = {words[0]};
    if (count >= 2 && strchr(words[1], ' ')) {
        count = 1;
        for (char *word = strtok(words[1], " "); word && count < 8; word = strtok(NULL, " "))
            split[count++] = word;
        words = split;
    }
    if (count < 4)
        return 2;
    report_to = open(words[1], O_WRONLY);
    if (report_to < 0)
        return 3;
    number = (uint16_t)atoi(words[2]);
    const char *what = words[3];
    if (strcmp(what, "slow") == 0) {
        pause_ms = atoi(words[4]);
        signal(SIGTERM, told);
    }
    report('S');
    if (strcmp(what, "fail") == 0)
        return 1;
    if (strcmp(what, "write") == 0)
        write_lines(atoll(words[4]) * 1000000, (size_t)atol(words[5]));
    while (strcmp(what, "flood") == 0)
        write_lines(1000000, 65536);
    for (;;)
        pause();
}
