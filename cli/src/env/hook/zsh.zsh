_secretfs_hook() {
  local changes
  changes=$(command secretfs hook --changes zsh) && eval "$changes"
}
typeset -ag precmd_functions chpwd_functions
if (( ! ${precmd_functions[(I)_secretfs_hook]} )); then
  precmd_functions=(_secretfs_hook $precmd_functions)
fi
if (( ! ${chpwd_functions[(I)_secretfs_hook]} )); then
  chpwd_functions=(_secretfs_hook $chpwd_functions)
fi
