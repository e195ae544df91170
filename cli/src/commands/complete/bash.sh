# Completions of secretfs for bash, in ~/.local/share/bash-completion/completions/secretfs
_secretfs() {
    COMPREPLY=()
    local answer=() word
    while IFS= read -r word; do
        answer+=("$word")
    done < <(command secretfs internal-complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
    case ${answer[0]-} in
        $'\001files') compopt -o default ;;
        $'\001folders') compopt -o dirnames ;;
        $'\001command')
            local at=1
            while (( at < COMP_CWORD )) && [[ ${COMP_WORDS[at]} != -- ]]; do (( at++ )); done
            if (( at < COMP_CWORD )) && declare -F _comp_command_offset >/dev/null; then
                _comp_command_offset $(( at + 1 ))
            elif (( at < COMP_CWORD )) && declare -F _command_offset >/dev/null; then
                _command_offset $(( at + 1 ))
            elif (( at + 1 == COMP_CWORD )); then
                while IFS= read -r word; do
                    COMPREPLY+=("$word")
                done < <(compgen -c -- "$2")
            else
                compopt -o default
            fi
            ;;
        *)
            COMPREPLY=("${answer[@]}")
            # A value follows at once.
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
            ;;
    esac
    return 0
}
# Bash before 4.4 sorts them.
complete -o nosort -F _secretfs secretfs 2>/dev/null || complete -F _secretfs secretfs
