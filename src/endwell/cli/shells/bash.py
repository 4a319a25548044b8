"""Completion for bash: three tables, and a function that walks over the words to the right one."""

import shlex

from endwell.cli.grammar import Value, Words
from endwell.cli.shells.template import fill

BASH = r"""# bash completion for endwell; made by `endwell completion bash`

# What may stand after COMMAND and OPTION: words, or a kind of them.
_endwell_words() {
    case "$1 $2" in
{{values}}
    esac
}

_endwell_options() {
    case "$1" in
{{options}}
    esac
}

# What may stand after COMMAND and a number of its arguments.
_endwell_arguments() {
    case "$1 $2" in
{{arguments}}
    esac
}

_endwell() {
    local current=${COMP_WORDS[COMP_CWORD]} command='' option='' only_words='' word at number=0
    [[ ${COMP_WORDS[0]##*/} == endwell-init ]] && command=init
    # bash splits --option=value in three words
    [[ $current == = ]] && current=''
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $option ]]; then
            option=''
        elif [[ $word == -- ]]; then
            only_words=yes
        elif [[ -z $only_words && $word == -* ]]; then
            [[ -n $(_endwell_words "$command" "$word") ]] && option=$word
        elif [[ -z $command ]]; then
            command=$word
        elif [[ $(_endwell_arguments "$command" "$number") == @command ]]; then
            break
        else
            number=$((number + 1))
        fi
    done

    local candidates
    if [[ -n $option ]]; then
        candidates=$(_endwell_words "$command" "$option")
    elif [[ -z $only_words && $current == -* ]]; then
        candidates=$(_endwell_options "$command")
    else
        candidates=$(_endwell_arguments "$command" "$number")
    fi

    compopt +o default 2>/dev/null
    COMPREPLY=()
    case "$candidates" in
        @text) ;;
        @files)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        @services) mapfile -t COMPREPLY < <(compgen -W "$(endwell ps -q 2>/dev/null)" -- "$current") ;;
        @programs) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
        @command)
            if [[ $at -lt $COMP_CWORD ]] && declare -F _command_offset >/dev/null; then
                _command_offset "$at"
            elif [[ $at -lt $COMP_CWORD ]]; then
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
            else
                mapfile -t COMPREPLY < <(compgen -c -- "$current")
            fi ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current") ;;
    esac
}

complete -F _endwell endwell endwell-init
"""


def write(top: Words, commands: tuple[Words, ...]) -> str:
    """Return the text that bash reads."""
    values, options, arguments = [], [], []
    for words in (top, *commands):
        name = words.name or "''"
        for option in words.options:
            if option.value:
                patterns = "|".join(f"'{words.name} {spelling}'" for spelling in option.spellings)
                values.append(f"        {patterns}) echo {shlex.quote(candidates(option.value))} ;;")
        spellings = " ".join(spelling for option in words.options for spelling in option.spellings)
        options.append(f"        {name}) echo {shlex.quote(spellings)} ;;")
        for number, value in enumerate(words.arguments):
            place = "*" if value is words.arguments[-1] else number
            arguments.append(f"        {name}' '{place}) echo {shlex.quote(candidates(value))} ;;")
    return fill(BASH, values=values, options=options, arguments=arguments)


def candidates(value: Value) -> str:
    """Return the words themselves, or @ and the kind of them."""
    return " ".join(value.words) if value.kind == "words" else f"@{value.kind}"
