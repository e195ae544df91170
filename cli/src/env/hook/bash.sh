_secretfs_hook() {
  local status=$? changes
  changes=$(command secretfs hook --changes bash) && eval "$changes"
  return "$status"
}
if [[ ";${PROMPT_COMMAND[*]:-};" != *";_secretfs_hook;"* && " ${PROMPT_COMMAND[*]:-} " != *" _secretfs_hook "* ]]; then
  if [[ $(declare -p PROMPT_COMMAND 2>/dev/null) == "declare -a"* ]]; then
    PROMPT_COMMAND=(_secretfs_hook "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND="_secretfs_hook${PROMPT_COMMAND:+;$PROMPT_COMMAND}"
  fi
fi
