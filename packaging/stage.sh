#!/usr/bin/env bash
# Lays out what is installed, packaging/files, below a folder. Every package is made of this.
#
#   packaging/stage.sh --destdir DIR   writes the tree below DIR, which may be there
#   packaging/stage.sh --list          writes nothing, and says each path, one a line
#
#   --prefix /usr                      what the destinations are below
#   --zsh share/zsh/site-functions     where zsh looks for completions, below the prefix
#   --sbin sbin                        where helpers of mount(8) are, below the prefix
#   --binary target/release/secretfs   the executable; it runs here, to write its manual pages and completions
#   --notices FILE                     the licences of what is linked (packaging/crates.py notices), where that is at hand
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

destdir='' list='' notices='' prefix=/usr zsh=share/zsh/site-functions sbin=sbin binary=${CARGO_TARGET_DIR:-target}/release/secretfs
usage() { echo "$1; see packaging/stage.sh --help" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --list) list=1; shift; continue ;;
    --destdir | --prefix | --zsh | --sbin | --binary | --notices) [ $# -gt 1 ] || usage "$1 takes a value" ;;
    *) usage "unknown option $1" ;;
  esac
  case $1:$2 in
    --destdir:[!/]* | --binary:[!/]* | --notices:[!/]*) printf -v "${1#--}" %s "$here/$2" ;;
    *) printf -v "${1#--}" %s "$2" ;;
  esac
  shift 2
done
[ -n "$destdir$list" ] || usage "where to?"
case $prefix in /*) ;; *) usage "the prefix is an absolute path" ;; esac
prefix=${prefix%/}
[ -x "$binary" ] || { echo "$binary is not there: cargo build --release --locked -p secretfs" >&2; exit 1; }
case $binary in */*) ;; *) binary=./$binary ;; esac

# What the executable writes. Nothing of the environment has a say in it.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir "$made/man" "$made/shells"
quietly() { env -i HOME=/nonexistent PATH=/usr/bin:/bin "$binary" "$@"; }
quietly man --dir "$made/man" >/dev/null
for shell in bash zsh fish; do quietly completions "$shell" >"$made/shells/$shell"; done

put() { # MODE SOURCE PATH
  if [ -n "$list" ]; then printf '%s\n' "$3"; return; fi
  mkdir -p "$destdir$(dirname "$3")"
  if [ "$1" = link ]; then ln -sfn "$2" "$destdir$3"; return; fi
  case $2 in
    # They name programs by their whole path, as systemd wants it.
    *.service) sed "s,/usr/bin/secretfs,$prefix/bin/secretfs,g" "$2" >"$made/unit"; install -m "$1" "$made/unit" "$destdir$3" ;;
    *) install -m "$1" "$2" "$destdir$3" ;;
  esac
}

umask 022
while read -r mode source destination; do
  case $mode in '' | '#'*) continue ;; esac
  destination=${destination/#@zsh/$zsh}
  destination=$prefix/${destination/#@sbin/$sbin}
  case $mode:$source in
    link:*) put link "$source" "$destination" ;;
    *:@binary) put "$mode" "$binary" "$destination" ;;
    *:@man) for page in "$made"/man/*.[1-8]; do put "$mode" "$page" "${destination}man${page##*.}/${page##*/}"; done ;;
    *:@notices) [ -z "$notices" ] || put "$mode" "$notices" "$destination" ;;
    *:@*) put "$mode" "$made/shells/${source#@}" "$destination" ;;
    *)
      found=''
      for file in $source; do
        [ -f "$file" ] || break
        found=1
        case $destination in */) put "$mode" "$file" "$destination${file##*/}" ;; *) put "$mode" "$file" "$destination" ;; esac
      done
      [ -n "$found" ] || { echo "packaging/files: there is no $source" >&2; exit 1; }
      ;;
  esac
done <packaging/files
