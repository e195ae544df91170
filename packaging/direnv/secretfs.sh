# direnv: `use secretfs [MAP]` exports the variables of a secrets map, paths and not values.
#
# Put this file into ~/.config/direnv/lib/, and `use secretfs` into an .envrc. Saving the map loads it again.
# Needs no mount and no network; `secretfs mount` shows the files.

use_secretfs() {
  local exports map=${1:-${SECRETFS_MAP:-}}
  if ! has secretfs; then
    log_error "secretfs is not on the PATH"
    return 1
  fi
  if [[ -z $map ]]; then
    map=$(find_up secrets.yml || find_up secrets.yaml || true)
  fi
  # One that is not there yet is seen when it comes.
  watch_file "${map:-secrets.yml}"
  # All or nothing: half of a list that ends in an error must not be evaluated.
  exports=$(secretfs env --shell bash ${map:+--map "$map"}) || return 1
  eval "$exports"
}
