#!/usr/bin/env bash
# The executable, linked statically with musl; says where it is.
#
#   packaging/static.sh [OPTION OF CARGO BUILD …]    for instance --release
#
# Needs musl-gcc (package musl-tools), and the standard library for musl: rustup's, after
# `rustup target add x86_64-unknown-linux-musl`, or else, where apt-get is Debian's, one made of the sources that
# Debian has of it (rust-web-src), by the compiler of the same version (rustc-web). Those are unpacked below the
# target folder; nothing is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
machine=$(uname -m)
triple=$machine-unknown-linux-musl
target=${CARGO_TARGET_DIR:-$PWD/target}
command -v musl-gcc >/dev/null || { echo "musl-gcc is not installed: package musl-tools" >&2; exit 1; }
export "CC_${machine}_unknown_linux_musl=musl-gcc"

library_of_rustup() {
  [ -d "$(rustc --print sysroot)/lib/rustlib/$triple" ]
}

# The first package of that name's beginning that a package depends on.
dependency() { # PACKAGE BEGINNING
  apt-cache depends "$1" | sed -n "s/^ *Depends: \($2[^ ]*\)$/\1/p" | head -n 1
}
compiler_of_debian() { # FOLDER
  local new library
  [ -x "$1/usr/bin/rustc" ] && return 0
  new=$(mktemp -d)
  chmod 755 "$new"
  library=$(dependency libstd-rust-web-dev libstd-rust-web-)
  (
    cd "$new" &&
      apt-get download -qq rustc-web libstd-rust-web-dev rust-web-src "$library" "$(dependency "$library" libllvm)" libunwind-14-dev &&
      for package in *.deb; do dpkg -x "$package" tree || exit 1; done
  ) 2>"$new/said" || { cat "$new/said" >&2; rm -rf "$new"; return 1; }
  objects "$new/tree"
  mkdir -p "$(dirname "$1")"
  rm -rf "$1"
  mv "$new/tree" "$1"
  rm -rf "$new"
}
# What rustup's library brings along: musl, the start of a program, and what unwinds panics. That of LLVM 14, made
# for glibc, wants nothing of it that musl has not, but for one function.
objects() { # FOLDER
  local to=$1/usr/lib/rustlib/$triple/lib/self-contained musl=/usr/lib/$machine-linux-musl gcc
  mkdir -p "$to"
  gcc=$(dirname "$(gcc -print-libgcc-file-name)")
  cp "$musl"/{crt1.o,rcrt1.o,Scrt1.o,crti.o,crtn.o,libc.a} "$gcc"/{crtbegin.o,crtbeginS.o,crtend.o,crtendS.o} "$to/"
  cp "$1/usr/lib/llvm-14/lib/libunwind.a" "$to/"
  musl-gcc -O2 -fPIC -c -x c - -o "$to/checked.o" <<'C'
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *file, int flag, const char *format, ...) {
  (void)flag;
  va_list arguments;
  va_start(arguments, format);
  int length = vfprintf(file, format, arguments);
  va_end(arguments);
  return length;
}
C
  ar r "$to/libunwind.a" "$to/checked.o" 2>/dev/null
}

build=(cargo build --locked -p secretfs --target "$triple" --message-format json-render-diagnostics "$@")
if ! library_of_rustup; then
  compiler_of_debian "$target/rust-web"
  cargo=$(rustup which cargo 2>/dev/null || command -v cargo)
  # Both of one version, but cargo: that of rustup, which needs none of Debian's libraries.
  build=(
    env "LD_LIBRARY_PATH=$(dirname "$target"/rust-web/usr/lib/*/librustc_driver-*.so)" "RUSTC=$target/rust-web/usr/bin/rustc" RUSTC_BOOTSTRAP=1
    "$cargo" "${build[@]:1}" '-Zbuild-std=std,panic_unwind'
  )
fi
"${build[@]}" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
