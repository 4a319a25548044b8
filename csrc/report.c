/* report.c: the one JSON object at the end. */
#include "init.h"

#define PATIENCE (SECOND / 50) /* with a reader that is stuck: the end of the grace does not wait for it */

/* Before the command exists we can still refuse: can the report be written at all? The descriptor or the folder is kept,
 * for the working directory will be released. False: said why. */
bool report_open(struct init *init)
{
    const char *target = init->options.report;
    int64_t number = -1;

    if (!target)
        return true;
    init->report_fd = 1;
    if (string_equal(target, "-"))
        return true;
    if (string_starts(target, "fd:")) {
        bool good = parse_number(target + 3, target + string_length(target), INT32_MAX, &number);
        if (!good || sys_fcntl((int)number, F_SETFD, number > 2 ? FD_CLOEXEC : 0) < 0)
            warn(init, "--report '%s': %s", target,
                 good ? "this descriptor is not open; open it (3>FILE) or give a file"
                      : "not a descriptor; write fd:3, a file or -");
        else
            init->report_fd = (int)number;
        return init->report_fd == number && good;
    }
    init->report_is_file = true;
    const char *base = base_name(target);
    struct text folder = text_over(init->scratch, sizeof init->scratch);
    if (base == target)
        text_character(&folder, '.');
    text_bytes(&folder, target, (size_t)(base - target));
    text_character(&folder, '\0');
    long fd = *base && string_length(base) < 240 ? open_above(folder.start, O_PATH | O_DIRECTORY) : -EISDIR;
    struct statx found = {.mode = 0};
    long error = fd < 0 ? fd : sys_statx((int)fd, base, 0, &found);
    if (error < 0 && fd >= 0) /* not there yet: then it must be possible to make it */
        error = sys_faccessat((int)fd, ".", W_OK);
    else if ((found.mode & S_IFMT) == S_IFDIR)
        error = -EISDIR;
    if (error < 0) {
        warn(init, "--report '%s': %e; give a file in a folder that exists and can be written", target, -error);
        return false;
    }
    init->report_fd = (int)fd;
    return true;
}

/* argv as one line, each unprintable byte a blank; a thread of the kernel or a zombie has only its name. */
static size_t command_of(pid_t pid, char *to, size_t size)
{
    long length = read_file(pid, "/cmdline", to, size);
    if (length <= 0)
        length = read_file(pid, "/comm", to, size);
    while (length > 0 && (to[length - 1] == '\0' || to[length - 1] == '\n'))
        length--;
    if (length <= 0)
        return 0;
    one_line(to, to + length);
    return (size_t)length;
}

static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format(text, format, arguments);
    va_end(arguments);
}

static void json_signal(struct text *text, int signal)
{
    put(text, signal ? "\"%g\"" : "null", (long)signal);
}

/* False: there is no room for one more. */
bool report_killed(struct init *init, const struct member *member, const char *why)
{
    char command[201];
    size_t length = command_of(member->process.pid, command, sizeof command - 1);
    uint64_t tick = tick_now(), started = member->process.started;
    nanoseconds age = tick > started ? (nanoseconds)(tick - started) * (SECOND / 100) : 0;
    struct text *text = &init->killed;

    command[length] = '\0';
    say(init, "had to kill process %d (%s), %t s old: it %s", (long)member->process.pid, command, age, why);
    init->killed_listed++;
    if (!init->options.report)
        return true;
    if (!text->start)
        *text = text_over(init->killed_buffer, sizeof init->killed_buffer);
    else
        text_character(text, ',');
    put(text, "{\"pid\":%d,\"command\":", (long)member->process.pid);
    text_json(text, command, length);
    put(text, ",\"age\":%t,\"why\":", age);
    text_json(text, why, string_length(why));
    text_character(text, '}');
    return text->end - text->at >= 1600; /* six bytes for each of the command's, and the rest */
}

static void json_end(struct text *text, int status)
{
    int signal = status & 0x7f;
    if (status < 0) /* it could not be started */
        json_signal(text, 0);
    else
        put(text, signal ? "{\"kind\":\"signal\",\"signal\":\"%g\"}" : "{\"kind\":\"exit\",\"code\":%d}",
            (long)(signal ? signal : status >> 8 & 0xff));
}

static void json_command(struct text *text, char **argv)
{
    for (size_t i = 0; argv[i]; i++) {
        size_t length = string_length(argv[i]), room = (size_t)(text->end - text->at);
        if (i)
            text_character(text, ',');
        if (room < sizeof ((struct init *)NULL)->scratch - 24576 || length > 4096) { /* a hundred thousand arguments do not make a better report */
            text_string(text, "\"…\"");
            break;
        }
        text_json(text, argv[i], length);
    }
}

static void json_times(struct init *init, struct text *text)
{
    const char *between = "";
    text_string(text, "\"signals\":[");
    uint32_t unlisted = init->received_count > RECEIVED ? init->received_count - RECEIVED : 0;
    for (uint32_t i = unlisted; i < init->received_count; i++) {
        const struct received *received = &init->received[i % RECEIVED];
        put(text, "%s{\"at\":%t,\"signal\":\"%g\",\"from\":%d}", i > unlisted ? "," : "", received->at - init->began,
            (long)received->signal, (long)received->from);
    }
    put(text, "],\"signals_unlisted\":%d,\"phases\":[", (long)unlisted);
    for (int i = DRAIN; i < OVER; i++)
        if (init->times[i].entered) {
            put(text, "%s{\"name\":\"%s\",\"at\":%t,\"took\":%t}", between, phase_names[i],
                init->times[i].at - init->began, init->times[i].took);
            between = ",";
        }
    text_string(text, "],\"hooks\":[");
    between = "";
    for (int i = 0; i < HOOKS; i++)
        if (init->hooks[i].ran) {
            put(text, "%s{\"name\":\"%s\",\"end\":", between, hook_names[i]);
            json_end(text, init->hooks[i].status);
            put(text, ",\"took\":%t,\"overran\":%s}", init->hooks[i].took, init->hooks[i].killed ? "true" : "false");
            between = ",";
        }
    text_character(text, ']');
}

static void json(struct init *init, struct text *text)
{
    nanoseconds grace = init->options.grace;

    text_string(text, "{\"schema\":\"endwell.init/1\",\"command\":[");
    json_command(text, init->options.command);
    put(text, "],\"main\":{\"pid\":%d,\"end\":", (long)init->main);
    json_end(text, init->main_alive ? -1 : init->main_status); /* alive: it was killed, and did not die of it before we left */
    put(text, "},\"stop\":{\"reason\":\"%s\",\"signal\":", init->left_by_itself ? "main ended" : "signal");
    json_signal(text, init->stop_signal);
    put(text, init->stop_signal ? ",\"from\":%d}," : ",\"from\":null},", (long)init->stop_from);
    json_times(init, text);
    text_string(text, ",\"killed\":[");
    text_bytes(text, init->killed.start ? init->killed.start : "", (size_t)(init->killed.at - init->killed.start));
    put(text, "],\"killed_unlisted\":%d,\"reaped\":%d,\"grace\":{\"given\":",
        (long)(init->killed_count > init->killed_listed ? init->killed_count - init->killed_listed : 0), (long)init->reaped);
    put(text, grace == UNSET || grace == NEVER ? "null" : "%t", grace);
    put(text, ",\"used\":%t},\"exit\":%d}\n", init->began ? now() - init->began : 0, (long)init->exit_status);
}

/* To a file: written beside it and renamed, so that a reader sees all of it or nothing. What is no plain file (a device, a
 * pipe) or is a mount of its own (Kubernetes' termination-log) cannot be replaced: it is written in place. */
static bool write_file(struct init *init, const struct text *text)
{
    char name[256];
    const char *base = base_name(init->options.report);
    struct text beside = text_over(name, sizeof name);
    struct statx found = {.mode = S_IFREG};

    text_character(&beside, '.');
    text_string(&beside, base);
    text_string(&beside, ".new");
    text_character(&beside, '\0');
    sys_statx(init->report_fd, base, AT_SYMLINK_NOFOLLOW, &found);
    if ((found.mode & S_IFMT) == S_IFREG) {
        sys_unlinkat(init->report_fd, name);
        long fd = sys_openat(init->report_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        bool written = fd >= 0 && text_write(text, (int)fd, PATIENCE);
        if (fd >= 0)
            written = sys_close((int)fd) == 0 && written;
        if (written && sys_renameat(init->report_fd, name, base) == 0)
            return true;
        if (fd >= 0)
            sys_unlinkat(init->report_fd, name);
        if (fd >= 0 && !written)
            return false;
    }
    /* A link may lead to what the command writes to (/dev/stdout): nothing of it is cut off. */
    int place = (found.mode & S_IFMT) == S_IFREG ? O_TRUNC : O_APPEND;
    long fd = sys_openat(init->report_fd, base, O_WRONLY | O_NONBLOCK | O_CLOEXEC | place, 0);
    if (fd < 0)
        return false;
    bool written = text_write(text, (int)fd, PATIENCE);
    return sys_close((int)fd) == 0 && written;
}

void report_write(struct init *init)
{
    const char *target = init->options.report;
    struct text text = text_over(init->scratch, sizeof init->scratch);

    if (!target)
        return;
    json(init, &text);
    if (text.cut || !(init->report_is_file ? write_file(init, &text) : text_write(&text, init->report_fd, PATIENCE)))
        warn(init, "--report '%s': could not be written: folder gone, disk full or reader stuck", target);
}
