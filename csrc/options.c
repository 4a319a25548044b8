/* options.c: our own command line. */
#include "init.h"

static const char help[] =
    "endwell-init: a PID 1 that ends the whole tree well\n"
    "\n"
    "  endwell-init [options] [--] command [argument...]\n"
    "  ENTRYPOINT [\"endwell-init\", \"--grace\", \"10s\", \"--\"]\n"
    "\n"
    "The stop: drain, ask the main process, tell the rest, kill who is left\n"
    "  --grace TIME         from the stop signal to our exit; also ENDWELL_GRACE.\n"
    "                       Say what docker stop or Kubernetes waits (10s, 30s)\n"
    "  --drain TIME         go on serving that long before anything is signalled\n"
    "  --main-timeout TIME  then the rest is told (two thirds of the grace)\n"
    "  --to WHOM            forward signals to main (default), group or tree\n"
    "  --stop-signal SIG    this one starts the stop too, as TERM and INT do\n"
    "  --rewrite FROM:TO    send TO for FROM, as in TERM:QUIT; TERM:0 drops it\n"
    "  --wait WHOM          live as long as main (default) or the whole tree\n"
    "\n"
    "Hooks: a program or a shell line; $ENDWELL_REMAINING tells the seconds left\n"
    "  --before-stop CMD    first of all, while the drain goes on\n"
    "  --after-main CMD     when main has left others; main tells them until then\n"
    "  --after-exit CMD     when everybody has left, as to upload the logs\n"
    "  --hook-timeout TIME  for each (a quarter of the grace, or 10s)\n"
    "\n"
    "The end\n"
    "  --exit-map FROM=TO   leave with TO where the status were FROM, as in 143=0\n"
    "  --report FILE|-|fd:N one JSON object: who was told, who had to be killed\n"
    "  -v, --verbose        say on stderr what happens\n"
    "\n"
    "Its place\n"
    "  --subreaper WHEN     auto (default: when not PID 1) or never\n"
    "  --parent-death SIG   be sent SIG when our parent dies\n"
    "  -h, --help   -V, --version\n"
    "\n"
    "TIME: 10s, 1m30s, 500ms, 10. SIG: TERM, SIGTERM, 15, RTMIN+3. FROM and TO of\n"
    "--exit-map: 0 to 255. --grace none: no deadline at all.\n"
    "Exit status: the command's, or 128 + its signal; 126 not executable, 127 not\n"
    "found, 125 our own. Called tini, dumb-init or catatonit it behaves as these.\n";

const char *environment(char **envp, const char *name)
{
    size_t length = string_length(name);
    for (; *envp; envp++)
        if (string_starts(*envp, name) && (*envp)[length] == '=')
            return *envp + length + 1;
    return NULL;
}

/* ---- values --------------------------------------------------------------------------------------------- */

static bool take_time(void *to, const char *value)
{
    return parse_duration(value, to);
}

static bool take_grace(void *to, const char *value)
{
    if (string_equal(value, "none")) {
        *(nanoseconds *)to = NEVER;
        return true;
    }
    return parse_duration(value, to);
}

static bool take_string(void *to, const char *value)
{
    *(const char **)to = value;
    return *value != '\0';
}

static bool take_stop_signal(void *to, const char *value)
{
    int signal;
    if (!parse_signal(value, value + string_length(value), &signal) || signal == SIGKILL || signal == SIGSTOP ||
        signal == SIGCHLD)
        return false;
    *(sigset *)to |= BIT(signal);
    return true;
}

static bool take_signal(void *to, const char *value)
{
    int signal;
    if (!parse_signal(value, value + string_length(value), &signal))
        return false;
    *(uint8_t *)to = (uint8_t)signal;
    return true;
}

static bool take_rewrite(void *to, const char *value)
{
    const char *colon = value, *end = value + string_length(value);
    int from, sent;
    while (*colon && *colon != ':')
        colon++;
    if (!*colon || !parse_signal(value, colon, &from) || from == SIGKILL || from == SIGSTOP || from == SIGCHLD)
        return false;
    if (string_equal(colon + 1, "0"))
        sent = DROPPED;
    else if (!parse_signal(colon + 1, end, &sent))
        return false;
    ((uint8_t *)to)[from] = (uint8_t)sent;
    return true;
}

static bool take_exit_map(void *to, const char *value)
{
    const char *equals = value;
    int64_t from, map;
    while (*equals && *equals != '=')
        equals++;
    if (!*equals || !parse_number(value, equals, 255, &from) ||
        !parse_number(equals + 1, value + string_length(value), 255, &map))
        return false;
    ((uint8_t *)to)[from] = (uint8_t)(map ^ from);
    return true;
}

static bool take_reach(void *to, const char *value)
{
    static const char *const words[] = {[TO_MAIN] = "main", [TO_GROUP] = "group", [TO_TREE] = "tree"};
    for (uint8_t i = 0; i < sizeof words / sizeof *words; i++)
        if (string_equal(value, words[i])) {
            *(uint8_t *)to = i;
            return true;
        }
    return false;
}

static bool take_wait(void *to, const char *value)
{
    *(bool *)to = string_equal(value, "tree");
    return *(bool *)to || string_equal(value, "main");
}

static bool take_subreaper(void *to, const char *value)
{
    *(bool *)to = string_equal(value, "auto");
    return *(bool *)to || string_equal(value, "never");
}

/* ---- the table ------------------------------------------------------------------------------------------ */

#define TIME_FORM "not a time; write 10s, 1m30s, 500ms or a number of seconds"
#define SIGNAL_FORM "not a signal; write TERM, SIGTERM, 15 or RTMIN+3"
#define FIELD(name) offsetof(struct options, name)

static const struct {
    const char *name;
    bool (*take)(void *, const char *);
    size_t field;
    const char *form;
} table[] = {
    {"grace", take_grace, FIELD(grace), "not a time; write 10s, 1m30s, 500ms, a number of seconds, or none"},
    {"drain", take_time, FIELD(drain), TIME_FORM},
    {"main-timeout", take_time, FIELD(main_timeout), TIME_FORM},
    {"to", take_reach, FIELD(reach), "nobody we know; write main, group or tree"},
    {"stop-signal", take_stop_signal, FIELD(stops), "no signal that can ask for a stop; write QUIT or 3"},
    {"rewrite", take_rewrite, FIELD(rewrite), "no rewriting; write FROM:TO as in TERM:QUIT, or TERM:0 to drop it"},
    {"wait", take_wait, FIELD(wait_tree), "nobody we wait for; write main or tree"},
    {"before-stop", take_string, FIELD(lines[BEFORE_STOP]), "no command; name one"},
    {"after-main", take_string, FIELD(lines[AFTER_MAIN]), "no command; name one"},
    {"after-exit", take_string, FIELD(lines[AFTER_EXIT]), "no command; name one"},
    {"hook-timeout", take_time, FIELD(hook_timeout), TIME_FORM},
    {"exit-map", take_exit_map, FIELD(exit_map), "no mapping; write FROM=TO as in 143=0, each 0 to 255"},
    {"report", take_string, FIELD(report), "no place; write a file, - for stdout, or fd:N"},
    {"subreaper", take_subreaper, FIELD(subreaper), "no such way; write auto or never"},
    {"parent-death", take_signal, FIELD(parent_death), SIGNAL_FORM},
};

static int refuse(struct init *init, const char *what, const char *why, const char *form)
{
    warn(init, "%s%s%s", what, why, form);
    return 125;
}

/* One long option at argv[*at]: -1 to go on, else an exit status. */
static int long_option(struct init *init, char **argv, int *at)
{
    const char *word = argv[*at] + 2, *value = word;
    while (*value && *value != '=')
        value++;
    size_t length = (size_t)(value - word);

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (string_length(table[i].name) != length || !string_starts(word, table[i].name))
            continue;
        if (*value)
            value++;
        else if (argv[*at + 1])
            value = argv[++*at];
        else {
            warn(init, "--%s needs a value; see %s --help", table[i].name, init->options.name);
            return 125;
        }
        if (table[i].take((char *)&init->options + table[i].field, value))
            return -1;
        warn(init, "--%s '%s': %s", table[i].name, value, table[i].form);
        return 125;
    }
    warn(init, "unknown option '%s'; see %s --help", argv[*at], init->options.name);
    return 125;
}

static int flag(struct init *init, const char *word)
{
    if (string_equal(word, "-h") || string_equal(word, "--help")) {
        struct text text = text_over((char *)(uintptr_t)help, sizeof help - 1);
        text.at = text.end;
        text_write(&text, 1, 10 * SECOND);
        return 0;
    }
    if (string_equal(word, "-V") || string_equal(word, "--version")) {
        print(1, "endwell-init " ENDWELL_VERSION "\n");
        return 0;
    }
    if (string_equal(word, "-v") || string_equal(word, "-vv") || string_equal(word, "--verbose")) {
        init->options.verbosity = 1;
        return -1;
    }
    return -2;
}

bool grace_from_environment(struct init *init)
{
    const char *value = environment(init->envp, "ENDWELL_GRACE");
    if (!value || !*value)
        return true;
    if (!take_grace(&init->options.grace, value)) {
        warn(init, "ENDWELL_GRACE '%s': %s", value, table[0].form);
        return false;
    }
    init->options.phases = true;
    return true;
}

/* What was asked for must fit into the grace, or the end would not be the one that was asked for. */
static int check_budget(struct init *init)
{
    const struct options *options = &init->options;
    nanoseconds grace = options->grace, left = grace - margin(grace);
    const struct { const char *name; nanoseconds time; } parts[] = {
        {"--drain", options->drain},
        {"--main-timeout", options->main_timeout},
        {"--hook-timeout", options->lines[AFTER_EXIT] ? hook_timeout(options) : UNSET},
    };
    if (grace == UNSET || grace == NEVER)
        return -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].time == UNSET)
            continue;
        if (parts[i].time >= left) {
            warn(init, "%s %t s does not fit: %t s of the grace of %t s are left for it; change one",
                 parts[i].name, parts[i].time, left, grace);
            return 125;
        }
        left -= parts[i].time;
    }
    return -1;
}

static int parse(struct init *init, int argc, char **argv, char **envp)
{
    struct options *options = &init->options;
    int at, status;

    (void)envp;
    options->grace = options->drain = options->main_timeout = options->hook_timeout = UNSET;
    options->phases = options->subreaper = true;
    options->session = OWN_GROUP;
    options->forwarded = ~BIT(SIGCHLD);
    options->stops = BIT(SIGTERM) | BIT(SIGINT);
    options->main_dies_with_us = init->self != 1;

    if (!grace_from_environment(init))
        return 125;
    for (at = 1; at < argc && argv[at][0] == '-' && argv[at][1]; at++) {
        if (string_equal(argv[at], "--")) {
            at++;
            break;
        }
        status = flag(init, argv[at]);
        if (status == -2)
            status = argv[at][1] == '-' ? long_option(init, argv, &at)
                                        : refuse(init, "unknown option '", argv[at], "'; see --help");
        if (status >= 0)
            return status;
    }
    if (at >= argc)
        return refuse(init, "no command to run", "; write ", "endwell-init [options] -- command [argument...]");
    options->command = argv + at;
    return check_budget(init);
}

static int exec_status(int error)
{
    return error == ENOENT || error == ENOTDIR ? 127 : 126;
}

const struct persona own_persona = {.parse = parse, .say = speak_own, .exec_status = exec_status, .own_status = 125};
