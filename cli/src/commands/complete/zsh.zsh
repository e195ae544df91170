#compdef secretfs
# Completions of secretfs for zsh, as _secretfs in a folder of $fpath
_secretfs() {
    local -a answer values shown
    local line at
    answer=("${(@f)$(command secretfs internal-complete zsh "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
    case $answer[1] in
        $'\001files')
            compset -P '--*='
            _files
            ;;
        $'\001folders')
            compset -P '--*='
            _files -/
            ;;
        $'\001command')
            at=${words[(i)--]}
            if (( at < CURRENT )); then
                shift $at words
                (( CURRENT -= at ))
                _normal
            else
                _files
            fi
            ;;
        *)
            for line in "$answer[@]"; do
                [[ -n $line ]] || continue
                values+=("${line%%$'\t'*}")
                if [[ -n ${line#*$'\t'} ]]; then
                    shown+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
                else
                    shown+=("${line%%$'\t'*}")
                fi
            done
            (( $#values )) || return 1
            if [[ "$shown" == *'  -- '* ]]; then
                compadd -l -V secretfs -d shown -a -- values
            else
                compadd -V secretfs -a -- values
            fi
            ;;
    esac
}
if [[ $funcstack[1] == _secretfs ]]; then
    _secretfs "$@"
elif (( $+functions[compdef] )); then
    compdef _secretfs secretfs
fi
