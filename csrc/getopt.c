/* getopt.c: options as the C library reads them, for those who speak as somebody else. */
#include "getopt.h"

static const char licence[] =
    "endwell-init " ENDWELL_VERSION ", an init that answers to this name too\n"
    "Copyright (c) 2026 endwell contributors\n"
    "MIT License: https://spdx.org/licenses/MIT.html\n";

void print_licence(void)
{
    print(1, licence);
}

void tell(int fd, const char *before, const char *behind, const char *format, va_list arguments)
{
    char buffer[1024];
    struct text line = text_over(buffer, sizeof buffer - 1);

    text_string(&line, before);
    if (behind) {
        text_number(&line, sys_getpid());
        text_string(&line, behind);
    }
    text_format(&line, format, arguments);
    *line.at++ = '\n';
    text_write(&line, fd, 0);
}

void behave_as_others(struct init *init)
{
    struct options *options = &init->options;
    options->grace = options->drain = options->main_timeout = options->hook_timeout = UNSET;
    options->session = OWN_GROUP;
    options->forwarded = ~BIT(SIGCHLD);
    options->stops = BIT(SIGTERM) | BIT(SIGINT);
}

int64_t parse_integer(const char **at)
{
    const char *from = *at;
    int64_t value = 0;
    while (*from == ' ' || (*from >= '\t' && *from <= '\r'))
        from++;
    bool negative = *from == '-';
    if (*from == '-' || *from == '+')
        from++;
    if (*from < '0' || *from > '9')
        return 0;
    for (; *from >= '0' && *from <= '9'; from++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *from - '0', &value))
            value = INT64_MAX;
    *at = from;
    return negative ? -value : value;
}

static int letter(struct getopt *options, char **argv)
{
    const char at[] = {*options->rest++, '\0'};
    const char *known = options->letters;

    while (*known && (*known != *at || *known == ':'))
        known++;
    if (!*known) {
        print(2, "%s: invalid option -- '%s'\n", argv[0], at);
        return '?';
    }
    if (known[1] != ':')
        return *at;
    options->value = *options->rest ? options->rest : argv[options->index + 1];
    if (!*options->rest && options->value)
        options->index++;
    options->rest = "";
    if (!options->value) {
        print(2, "%s: option requires an argument -- '%s'\n", argv[0], at);
        return '?';
    }
    return *at;
}

static bool begins(const char *name, const char *word, size_t length)
{
    for (; length > 0 && *name == *word; name++, word++)
        length--;
    return length == 0;
}

static void say_ambiguous(const struct getopt *options, const char *self, const char *word, size_t length)
{
    char buffer[256];
    struct text line = text_over(buffer, sizeof buffer);
    for (const struct long_option *option = options->longs; *option->name; option++)
        if (begins(option->name, word + 2, length)) {
            text_string(&line, " '--");
            text_string(&line, option->name);
            text_character(&line, '\'');
        }
    text_character(&line, '\0');
    print(2, "%s: option '%s' is ambiguous; possibilities:%s\n", self, word, buffer);
}

/* "--name", "--name=value" or the beginning of only one name. */
static int long_word(struct getopt *options, char **argv, const char *word)
{
    const struct long_option *found = NULL;
    size_t length = 0;
    int candidates = 0;

    while (word[2 + length] && word[2 + length] != '=')
        length++;
    for (const struct long_option *option = options->longs; *option->name; option++)
        if (begins(option->name, word + 2, length)) {
            candidates++;
            found = option;
            if (string_length(option->name) == length) {
                candidates = 1;
                break;
            }
        }
    if (candidates > 1)
        say_ambiguous(options, argv[0], word, length);
    else if (!found)
        print(2, "%s: unrecognized option '%s'\n", argv[0], word);
    else if (word[2 + length] && !found->takes_value)
        print(2, "%s: option '--%s' doesn't allow an argument\n", argv[0], found->name);
    else if (!found->takes_value)
        return found->letter;
    else {
        options->value = word[2 + length] ? word + 3 + length : argv[options->index + 1];
        if (!word[2 + length] && options->value)
            options->index++;
        if (options->value)
            return found->letter;
        print(2, "%s: option '--%s' requires an argument\n", argv[0], found->name);
    }
    return '?';
}

int getopt_next(struct getopt *options, char **argv)
{
    if (options->rest && *options->rest)
        return letter(options, argv);
    for (;;) {
        char *word = argv[options->index] ? argv[options->index + 1] : NULL;
        if (!word)
            return -1;
        if (word[0] != '-' || !word[1]) {
            if (!options->permute)
                return -1;
            argv[++options->kept] = word;
            options->index++;
            continue;
        }
        options->index++;
        if (string_equal(word, "--"))
            return -1;
        if (options->longs && word[1] == '-')
            return long_word(options, argv, word);
        options->rest = word + 1;
        return letter(options, argv);
    }
}

/* A permuting reader has moved the operands it met to the front, over what it had read: the rest follows. */
char **operands(struct getopt *options, char **argv)
{
    if (!options->permute)
        return argv + options->index + 1;
    while (argv[options->index] && argv[options->index + 1])
        argv[++options->kept] = argv[++options->index];
    argv[options->kept + 1] = NULL;
    return argv + 1;
}
