/* getopt.h: what the command lines of the other inits have in common. */
#ifndef ENDWELL_GETOPT_H
#define ENDWELL_GETOPT_H

#include "init.h"

struct long_option { char name[14]; char letter; bool takes_value; };

/* getopt_long(3), with the C library's own words on stderr: the others' callers know them. */
struct getopt {
    const char *letters;              /* "ab:" as getopt(3) */
    const struct long_option *longs;  /* the last has no name; NULL: none, and --x is a letter '-' */
    bool permute;                     /* options are found behind operands too */
    int index;                        /* of the last word that was read */
    int kept;                         /* operands that were passed over so far; they are moved to the front */
    const char *rest;                 /* of a word of several letters */
    const char *value;                /* of the option that was returned */
};

/* The letter of the next option, '?' for a wrong one (it was said), or -1: then `operands` gives the rest. */
int getopt_next(struct getopt *, char **argv);
char **operands(struct getopt *, char **argv);

/* strtol(3) in base ten: blanks, a sign, digits; `*at` moves behind them, or stays if there is no digit. What
 * does not fit becomes the largest number. */
int64_t parse_integer(const char **at);

/* What the kernel sends to a program that went wrong. */
#define FAULTS \
    (BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGSEGV) | BIT(SIGSYS))

/* What holds for all of them: a group of its own for the command, every signal for it, no phases. */
void behave_as_others(struct init *);
void print_licence(void);
/* A line of theirs. Between `before` and `behind`, if there is a `behind`, stands the pid of who says it: we, or
 * the child that becomes the command. */
void tell(int fd, const char *before, const char *behind, const char *format, va_list);

#endif
