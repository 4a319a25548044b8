/* words.c: memory, strings, numbers and lengths of time, read without a libc. */
#include "init.h"

#ifndef SYS_HOSTED
/* The compiler may call these four for any assignment or loop; the empty asm keeps it from turning their own
 * loops into calls of themselves. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((char *)to)[i] = ((const char *)from)[i];
        __asm__ volatile("");
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        return memcpy(to, from, size);
    while (size-- > 0) {
        ((char *)to)[size] = ((const char *)from)[size];
        __asm__ volatile("");
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((char *)to)[i] = (char)byte;
        __asm__ volatile("");
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
        if (difference)
            return difference;
    }
    return 0;
}
#endif

size_t string_length(const char *string)
{
    size_t length = 0;
    while (string[length])
        length++;
    return length;
}

bool string_equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

bool string_starts(const char *string, const char *prefix)
{
    while (*prefix && *string == *prefix)
        string++, prefix++;
    return !*prefix;
}

const char *base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++)
        if (*path == '/')
            base = path + 1;
    return base;
}

bool parse_number(const char *from, const char *end, int64_t most, int64_t *value)
{
    if (from == end)
        return false;
    for (*value = 0; from < end; from++) {
        if (*from < '0' || *from > '9')
            return false;
        *value = *value * 10 + (*from - '0');
        if (*value > most)
            return false;
    }
    return true;
}

/* As Docker, compose and Kubernetes write them: 10s, 1m30s, 500ms, 1.5s; a bare number means seconds. */
bool parse_duration(const char *from, nanoseconds *duration)
{
    static const struct { char name[4]; nanoseconds size; } units[] = {
        {"ns", 1}, {"us", 1000}, {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000}, {"ms", 1000000}, {"s", SECOND}, {"m", 60 * SECOND},
        {"h", 3600 * SECOND},
    };
    const nanoseconds most = 366 * 24 * 3600 * SECOND;
    const char *start = from;
    nanoseconds sum = 0;

    if (!*from || string_length(from) > 100) /* nobody's length of time */
        return false;
    while (*from) {
        nanoseconds whole = 0, fraction = 0, scale = 1, unit = 0;
        const char *digits = from;
        for (; *from >= '0' && *from <= '9'; from++)
            if ((whole = whole * 10 + (*from - '0')) > most)
                return false;
        size_t count = (size_t)(from - digits);
        if (*from == '.')
            for (from++; *from >= '0' && *from <= '9'; from++, count++)
                if (scale < SECOND) {
                    fraction = fraction * 10 + (*from - '0');
                    scale *= 10;
                }
        if (count == 0)
            return false;
        if (!*from && digits == start) {
            unit = SECOND;
        } else {
            const char *name = from;
            while (*from && *from != '.' && !(*from >= '0' && *from <= '9'))
                from++;
            for (size_t i = 0; i < sizeof units / sizeof *units; i++)
                if (string_length(units[i].name) == (size_t)(from - name) && string_starts(name, units[i].name))
                    unit = units[i].size;
        }
        if (unit == 0 || whole > most / unit)
            return false;
        /* the product must not overflow; scale divides SECOND, which divides the units above it */
        sum += whole * unit + (unit > SECOND ? unit / SECOND * fraction * (SECOND / scale) : unit * fraction / scale);
        if (sum > most)
            return false;
    }
    *duration = sum;
    return true;
}
