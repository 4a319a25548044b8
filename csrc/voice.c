/* voice.c: what we say in our own words, on stderr: always when something went wrong, otherwise with -v. */
#include "init.h"

/* What others named must not make lines of its own, nor move the cursor of who reads it. */
void one_line(char *from, const char *end)
{
    for (; from < end; from++)
        if ((unsigned char)*from < ' ' || *from == 0x7f)
            *from = ' ';
}

static void line(struct init *init, const char *format, va_list arguments)
{
    char buffer[1024];
    struct text text = text_over(buffer, sizeof buffer - 1);
    text_string(&text, init->options.name);
    text_string(&text, ": ");
    text_format(&text, format, arguments);
    one_line(text.start, text.at);
    *text.at++ = '\n';
    text_write(&text, 2, 0);
}

void say(struct init *init, const char *format, ...)
{
    va_list arguments;
    if (init->options.verbosity <= 0)
        return;
    va_start(arguments, format);
    line(init, format, arguments);
    va_end(arguments);
}

void warn(struct init *init, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(init, format, arguments);
    va_end(arguments);
}

void speak_own(struct init *init, enum moment moment, long a, long b)
{
    const char *command = init->options.command[0];
    switch (moment) {
    case COMMAND_STARTED: say(init, "started '%s' as process %d", command, a); break;
    case COMMAND_NOT_STARTED:
        if (a == ENOENT && base_name(command) == command)
            warn(init, "cannot run '%s': not found in PATH; check its name, or give its whole path", command);
        else
            warn(init, "cannot run '%s': %e; check its path, mode and machine", command, a);
        break;
    case NO_CHILD:
        warn(init, "cannot start '%s': %e; raise pids.max, ulimit -u or memory", command, a);
        break;
    case SUBREAPER_FAILED: say(init, "cannot become a subreaper: %e", a); break;
    case SESSION_FAILED: say(init, "cannot give the command its own group: %e", a); break;
    case TERMINAL_FAILED: say(init, "cannot hand over the terminal: %e", a); break;
    case SIGNAL_CAME:
        if (b)
            say(init, "%g from process %d", a, b);
        else
            say(init, "%g from outside or from the kernel", a);
        break;
    case SIGNAL_REWRITTEN: if (b) say(init, "%g becomes %g", a, b); break;
    case SIGNAL_SENT: say(init, "%g sent to process %d", a, b); break;
    case SIGNAL_NOT_SENT: say(init, "%g could not be sent: %e", a, b); break;
    case SIGNAL_DROPPED: say(init, "%g dropped", a); break;
    case SUSPENDING: say(init, "%g stopped the command; stopping too", a); break;
    case MAIN_ENDED:
        if (b & 0x7f)
            say(init, "main process %d was ended by %g", a, b & 0x7f);
        else
            say(init, "main process %d left with %d", a, b >> 8 & 0xff);
        break;
    case LEAVING:
        if (init->began && init->options.grace != UNSET && init->options.grace != NEVER)
            say(init, "leaving with %d after %t s of %t s", a, now() - init->began, init->options.grace);
        else
            say(init, "leaving with %d", a);
        break;
    default: break;
    }
}
