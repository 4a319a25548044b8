"""Completion for zsh: one call of _arguments for each command."""

import shlex
from collections.abc import Iterator

from endwell.cli.grammar import Value, Words
from endwell.cli.shells.template import fill

ZSH = r"""#compdef endwell endwell-init
# zsh completion for endwell; made by `endwell completion zsh`

_endwell_services() {
    local -a names=(${(f)"$(endwell ps -q 2>/dev/null)"})
    compadd "$@" -a names
}

{{functions}}

_endwell() {
    local curcontext=$curcontext state line
    local -a subcommands=(
{{commands}}
    )
    if [[ $service == endwell-init ]]; then
        _endwell_init
        return
    fi
    _arguments -C -A '-*' \
{{options}}
        '1:command:->command' \
        '*::argument:->arguments'
    case $state in
        command) _describe -t commands command subcommands ;;
        arguments)
            curcontext=${curcontext%:*:*}:endwell-$words[1]:
            (( $+functions[_endwell_$words[1]] )) && _endwell_$words[1] ;;
    esac
}

if [[ $funcstack[1] == _endwell ]]; then
    _endwell "$@"
else
    compdef _endwell endwell endwell-init
fi
"""

ACTIONS = {
    "text": " ",
    "files": "_files",
    "programs": " _command_names -e",
    "services": "_endwell_services",
    "command": "_command_names -e",
}


def write(top: Words, commands: tuple[Words, ...]) -> str:
    """Return the text that zsh reads."""
    functions = []
    for words in commands:
        lines = [f"_endwell_{words.name}() {{", "    _arguments -s -S -A '-*' \\"]
        lines += [f"        {spec} \\" for spec in (*option_specs(words), *argument_specs(words))]
        lines[-1] = lines[-1].removesuffix(" \\")
        functions += [*lines, "}", ""]
    described = [f"        {shlex.quote(f'{words.name}:{words.summary}')}" for words in commands]
    options = [f"        {spec} \\" for spec in option_specs(top)]
    return fill(ZSH, functions=functions[:-1], commands=described, options=options)


def option_specs(words: Words) -> Iterator[str]:
    """Yield the specifications of a command's options, those with two names once for each."""
    for option in words.options:
        summary = option.summary.replace("[", r"\[").replace("]", r"\]")
        for spelling in option.spellings:
            equals = "=" if option.value and spelling.startswith("--") else ""
            value = f":{option.value.name.replace(':', ' ')}:{action(option.value)}" if option.value else ""
            yield shlex.quote(f"*{spelling}{equals}[{summary}]{value}")


def argument_specs(words: Words) -> Iterator[str]:
    """Yield the specifications of a command's arguments."""
    for number, value in enumerate(words.arguments, 1):
        if value.kind == "command":
            yield shlex.quote(f"(-)*:::{value.name.lower()}:_normal")
        else:
            place = "*" if value.many else number
            yield shlex.quote(f"{place}:{value.name.lower()}:{action(value)}")


def action(value: Value) -> str:
    """Return what zsh shall complete."""
    return f"({' '.join(value.words)})" if value.kind == "words" else ACTIONS[value.kind]
