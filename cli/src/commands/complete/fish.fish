# Completions of secretfs for fish, in ~/.config/fish/completions/secretfs.fish
function __secretfs_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l word (string unescape -- "$current")
    set -l answer (command secretfs internal-complete fish $words "$word" 2>/dev/null </dev/null)
    set -l before (string match --regex -- '^--[a-z-]+=' "$current")
    set -l path (string replace --regex -- '^--[a-z-]+=' '' "$current")
    switch "$answer[1]"
        case \x01files
            string replace --regex -- '^' "$before" (__fish_complete_path "$path")
        case \x01folders
            string replace --regex -- '^' "$before" (__fish_complete_directories "$path" '')
        case \x01command
            if set -l at (contains --index -- -- $words)
                set -e words[1..$at]
            end
            complete --do-complete (string join -- ' ' (string escape -- $words) "$current")
        case '*'
            string join -- \n $answer
    end
end
complete --command secretfs --keep-order --no-files --arguments '(__secretfs_complete)'
