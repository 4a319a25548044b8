/* text.c: writing text without a libc. */
#include "init.h"

struct text text_over(char *buffer, size_t size)
{
    return (struct text){.start = buffer, .at = buffer, .end = buffer + size, .cut = false};
}

void text_bytes(struct text *text, const char *from, size_t size)
{
    size_t room = (size_t)(text->end - text->at);
    if (size > room) {
        size = room;
        text->cut = true;
    }
    memcpy(text->at, from, size);
    text->at += size;
}

void text_character(struct text *text, char character)
{
    text_bytes(text, &character, 1);
}

void text_string(struct text *text, const char *string)
{
    text_bytes(text, string, string_length(string));
}

void text_number(struct text *text, int64_t number)
{
    char digits[20], *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        text_character(text, '-');
    text_bytes(text, at, (size_t)(digits + sizeof digits - at));
}

void text_seconds(struct text *text, nanoseconds time)
{
    int64_t milliseconds = time / 1000000;
    if (milliseconds < 0) {
        text_character(text, '-');
        milliseconds = -milliseconds;
    }
    text_number(text, milliseconds / 1000);
    text_character(text, '.');
    for (int64_t digit = 100; digit > 0; digit /= 10)
        text_character(text, (char)('0' + milliseconds / digit % 10));
}

void text_signal(struct text *text, int signal)
{
    text_string(text, "SIG");
    if (signal > 0 && signal < 32) {
        text_string(text, signal_names[signal]);
    } else {
        text_string(text, "RTMIN");
        if (signal != SIGRTMIN)
            text_character(text, signal > SIGRTMIN ? '+' : '-');
        if (signal != SIGRTMIN)
            text_number(text, signal > SIGRTMIN ? signal - SIGRTMIN : SIGRTMIN - signal);
    }
}

/* Length of the valid UTF-8 sequence at `from`, or 0 (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *from, size_t size)
{
    unsigned char lead = from[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((from[i] & 0xc0) != 0x80)
            return 0;
    if ((lead == 0xe0 && from[1] < 0xa0) || (lead == 0xed && from[1] > 0x9f) || (lead == 0xf0 && from[1] < 0x90) ||
        (lead == 0xf4 && from[1] > 0x8f))
        return 0;
    return length;
}

void text_json(struct text *text, const char *from, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *at = (const unsigned char *)from, *end = at + size;

    text_character(text, '"');
    while (at < end) {
        size_t length = utf8_length(at, (size_t)(end - at));
        if (length == 0) {
            text_string(text, "\\ufffd");
            at++;
        } else if (*at == '"' || *at == '\\') {
            text_character(text, '\\');
            text_character(text, (char)*at++);
        } else if (*at < 0x20 || *at == 0x7f) {
            text_string(text, "\\u00");
            text_character(text, hex[*at >> 4]);
            text_character(text, hex[*at++ & 15]);
        } else {
            text_bytes(text, (const char *)at, length);
            at += length;
        }
    }
    text_character(text, '"');
}

/* strerror(3). Each entry is the number, octal, its words and a NUL: a table of pointers would be larger than they. */
const char *error_words(int error)
{
    static const char table[] =
        "\001Operation not permitted\0"
        "\002No such file or directory\0"
        "\003No such process\0"
        "\004Interrupted system call\0"
        "\005Input/output error\0"
        "\006No such device or address\0"
        "\007Argument list too long\0"
        "\010Exec format error\0"
        "\011Bad file descriptor\0"
        "\012No child processes\0"
        "\013Resource temporarily unavailable\0"
        "\014Cannot allocate memory\0"
        "\015Permission denied\0"
        "\023No such device\0"
        "\024Not a directory\0"
        "\025Is a directory\0"
        "\026Invalid argument\0"
        "\030Too many open files\0"
        "\031Inappropriate ioctl for device\0"
        "\032Text file busy\0"
        "\034No space left on device\0"
        "\036Read-only file system\0"
        "\044File name too long\0"
        "\046Function not implemented\0"
        "\050Too many levels of symbolic links\0"
        "\156Connection timed out\0"
        "\164Stale file handle\0";
    for (const char *at = table; *at; at += string_length(at) + 1)
        if (*at == error)
            return at + 1;
    return "an error that has no words here";
}

void text_format(struct text *text, const char *format, va_list arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            text_character(text, *format);
            continue;
        }
        switch (*++format) {
        case 's': text_string(text, va_arg(arguments, const char *)); break;
        case 'd': text_number(text, va_arg(arguments, long)); break;
        case 't': text_seconds(text, va_arg(arguments, nanoseconds)); break;
        case 'g': text_signal(text, (int)va_arg(arguments, long)); break;
        case 'e': text_string(text, error_words((int)va_arg(arguments, long))); break;
        default: text_character(text, *format);
        }
    }
}

/* PID 1 must not hang because nobody reads its words. A pipe or a socket is asked not to wait (before Linux 6.4: one that
 * polls writable takes a page). A terminal polls writable while it has room for a single byte, so it gets them singly. */
bool text_write(const struct text *text, int fd, nanoseconds patience)
{
    struct statx found = {.mode = 0};
    nanoseconds until = now() + patience, left = patience;

    sys_statx(fd, "", AT_EMPTY_PATH, &found);
    bool plain = (found.mode & S_IFMT) == S_IFREG, single = (found.mode & S_IFMT) == S_IFCHR;
    for (const char *at = text->start; at < text->at; left = until - now()) {
        struct timespec timeout = {.tv_sec = 0, .tv_nsec = 0};
        if (left > 0)
            timeout = (struct timespec){.tv_sec = left / SECOND, .tv_nsec = left % SECOND};
        struct pollfd ready = {.fd = fd, .events = POLLOUT, .revents = 0};
        if (sys_ppoll(&ready, 1, &timeout) <= 0)
            return false;
        struct piece piece = {.from = at, .size = (size_t)(text->at - at)};
        if (piece.size > 4096)
            piece.size = 4096;
        if (single)
            piece.size = 1;
        long written = plain || single ? -ENOSYS : sys_pwritev2(fd, &piece, RWF_NOWAIT);
        if (written < 0 && written != -EAGAIN && written != -EPIPE)
            written = sys_write(fd, piece.from, piece.size);
        if ((written == -EINTR || written == -EAGAIN) && left > 0)
            continue;
        if (written <= 0)
            return false;
        at += written;
    }
    return true;
}

void print(int fd, const char *format, ...)
{
    char buffer[1024];
    struct text text = text_over(buffer, sizeof buffer);
    va_list arguments;
    va_start(arguments, format);
    text_format(&text, format, arguments);
    va_end(arguments);
    if (text.cut)
        buffer[sizeof buffer - 1] = '\n';
    text_write(&text, fd, 0);
}
