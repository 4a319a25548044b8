"""Completion for fish: one line for each option and word, on condition that its command is being written."""

import shlex

from endwell.cli.grammar import Option, Value, Words
from endwell.cli.shells.template import fill

FISH = r"""# fish completion for endwell; made by `endwell completion fish`

# The command the words before the cursor belong to; `program` and its words when it is one that we start.
function __endwell_read
    set --local words (commandline --tokenize --current-process --cut-at-cursor)
    string match --quiet -- '*endwell-init' $words[1]
    and set words endwell init $words[2..]
    set --local command
    set --local service
    set --local option
    set --erase words[1]
    while set --query words[1]
        if set --query option[1]
            set option
        else if string match --quiet -- '-*' $words[1]
            contains -- "$command $words[1]" {{valued}}
            and set option $words[1]
        else if not set --query service[1]; and contains -- "$command" {{beside}}
            set service and
        else if contains -- "$command" {{forwarding}}
            printf '%s\n' program $words
            return
        else if not set --query command[1]
            set command $words[1]
        end
        set --erase words[1]
    end
    echo $command $service
end

function __endwell_at --argument-names command
    set --local read (__endwell_read)
    test "$read[1]" = "$command"
end

function __endwell_program
    set --local read (__endwell_read)
    complete --do-complete (string join ' ' -- (string escape -- $read[2..]) (commandline --current-token))
end

complete --command endwell --no-files
complete --command endwell-init --no-files
{{lines}}
"""

PROGRAM = "--condition '__endwell_at program' --exclusive --arguments '(__endwell_program)'"


def write(top: Words, commands: tuple[Words, ...]) -> str:
    """Return the text that fish reads."""
    lines = []
    for words in commands:
        name, summary = shlex.quote(words.name), shlex.quote(words.summary)
        lines.append(
            f"complete --command endwell --condition '__endwell_at \"\"' --arguments {name} -d {summary}"
        )
    lines += option_lines("endwell", top)
    for words in commands:
        lines += command_lines("endwell", words)
        if is_forwarding(words):
            lines += command_lines(f"endwell-{words.name}", words)
    valued = [
        shlex.quote(f"{words.name} {spelling}")
        for words in (top, *commands)
        for option in words.options
        if option.value
        for spelling in option.spellings
    ]
    forwarding = [words.name for words in commands if is_forwarding(words)]
    beside = [words.name for words in commands if is_beside(words)]
    return fill(
        FISH,
        lines=lines,
        valued=[" ".join(valued)],
        forwarding=[" ".join(forwarding)],
        beside=[" ".join(beside)],
    )


def is_forwarding(words: Words) -> bool:
    """Say whether a program and its own words follow."""
    return any(value.kind == "command" for value in words.arguments)


def is_beside(words: Words) -> bool:
    """Say whether a service comes before the program."""
    return is_forwarding(words) and words.arguments[0].kind != "command"


def command_lines(program: str, words: Words) -> list[str]:
    """Return the lines of a sub-command, as `program` takes it."""
    lines, place = option_lines(program, words), words.name
    for value in words.arguments:
        condition = shlex.quote(f"__endwell_at {shlex.quote(place)}")
        lines.append(f"complete --command {program} --condition {condition} {value_options(value)}")
        place = f"{words.name} and" if is_beside(words) else place
    return [*lines, f"complete --command {program} {PROGRAM}"] if is_forwarding(words) else lines


def option_lines(program: str, words: Words) -> list[str]:
    """Return the lines of a command's options."""
    condition = shlex.quote(f"__endwell_at {shlex.quote(words.name)}")
    return [f"complete --command {program} --condition {condition} {describe(one)}" for one in words.options]


def describe(option: Option) -> str:
    """Return what fish's complete is told of an option."""
    parts = [
        f"--long-option {spelling[2:]}" if spelling.startswith("--") else f"--short-option {spelling[1:]}"
        for spelling in option.spellings
    ]
    if option.value:
        parts.append(value_options(option.value))
    return " ".join([*parts, f"-d {shlex.quote(option.summary)}"])


def value_options(value: Value) -> str:
    """Return what fish's complete is told of a value."""
    if value.kind == "files":
        return "--require-parameter --force-files"
    if value.kind == "services":
        return "--exclusive --arguments '(endwell ps -q 2>/dev/null)'"
    words = "(__fish_complete_command)" if value.kind in {"programs", "command"} else " ".join(value.words)
    return f"--exclusive --arguments {shlex.quote(words)}"
