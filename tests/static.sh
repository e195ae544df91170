#!/usr/bin/env bash
# What is proven of the code without running the program for its user: too slow for every change, and with
# tools that not every machine has. docs/reliability.md has the figures.
#
#   tests/static.sh             all of it
#   tests/static.sh PART…       only these:
#     unsafe      the unsafe code, counted by crate, against docs/reliability.md
#     miri        the tests of memory/ that need no real mappings, in an interpreter
#     sanitizers  the tests of memory/ with AddressSanitizer and ThreadSanitizer
#     coverage    the lines of fs, providers and memory that tests run through
#
# They need the nightly toolchain with miri, rust-src and llvm-tools, and cargo-llvm-cov (installed below
# target/tools, where it is missing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
target=${CARGO_TARGET_DIR:-$PWD/target}
host=$(rustc -vV | sed -n 's/^host: //p')

component() { # NAME…: of the nightly toolchain
  rustup component add --toolchain nightly "$@" >/dev/null 2>&1 || {
    echo "the nightly toolchain has no $*: rustup component add --toolchain nightly $*" >&2
    return 1
  }
}

unsafe_code() {
  cargo nextest run --locked --workspace --all-features --lib -E 'package(secretfs-tests) and test(unsafe_code)'
}

# The interpreter has neither memfd_secret nor pages that may not be touched, nor the system calls that rustix
# makes by itself: the pool's area is memory of the allocator there (memory/src/sealed/interpreted.rs). What is
# left out looks at the real mappings. Ten minutes.
miri() {
  component miri rust-src
  RUSTFLAGS='--cfg rustix_use_libc' MIRIFLAGS='-Zmiri-disable-isolation' PROPTEST_CASES=4 \
    cargo +nightly miri test --locked -p secretfs-memory --lib --target-dir "$target/miri" -- granules:: limit:: sealed:: \
    --skip secret_memory_is_used --skip the_fallback_is_locked --skip a_released_pool
}

# The locked heap is an allocator of its own, inside of which AddressSanitizer sees nothing, and the tests
# do not run on it: what they use of the system's is checked. The other crates have no unsafe code that
# threads share; the fuzz targets run them with AddressSanitizer. Left out are the tests that
# read and wipe dead frames: these are what a sanitizer forbids, and where its own memset has its frame.
sanitizers() {
  component rust-src
  local sanitizer
  for sanitizer in address thread; do
    echo "== $sanitizer"
    # One test after the other: that a mapping is another test's at the same address, a sanitizer cannot see.
    RUSTFLAGS="-Zsanitizer=$sanitizer" RUSTDOCFLAGS="-Zsanitizer=$sanitizer" TSAN_OPTIONS=second_deadlock_stack=1 \
      cargo +nightly test --locked -Zbuild-std --target "$host" --target-dir "$target/sanitizers-$sanitizer" \
      --config 'profile.dev.package."*".opt-level=0' -p secretfs-memory --all-features --lib -- --test-threads=1 --skip residue:: --skip work_runs_on_a_locked_stack
  done
}

coverage() {
  PATH=$target/tools/bin:$PATH
  export PATH
  cargo llvm-cov --version >/dev/null 2>&1 ||
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install cargo-llvm-cov --version 0.9.1 --locked --quiet --root "$target/tools"
  rustup component add llvm-tools >/dev/null 2>&1 || true
  # Tests in one process alone: the daemon of a mount is sandboxed, and can write no profile. Of these one
  # fills a heap to its last block, where the profile would lie, too.
  cargo llvm-cov nextest --no-report --locked --all-features --no-fail-fast \
    --config 'profile.dev.package."*".opt-level=0' --config 'profile.dev.debug=false' \
    -p secretfs-fs -p secretfs-providers -p secretfs-memory -p secretfs-tests --lib \
    --test tree --test heap --test limits --test process --test op --test small_heap --test tls_heap \
    --test infisical --test connect --test model -E 'not test(on_a_real_mount) and not test(an_exhausted_heap)'
  coverage_report
}
coverage_report() { # without the tests beside the code, nor what the hooks of tests alone compile
  local crate
  for crate in fs providers memory; do
    printf '%s: ' "$crate"
    cargo llvm-cov report --json --summary-only |
      jq -r --arg at "$PWD/$crate/src/" '
        [.data[0].files[] | select(.filename | startswith($at)) | select(.filename | test("/tests?[/.]|_tests[.]rs$|harden/attempts[.]rs$") | not)]
        | "\((map(.summary.lines.covered) | add) / (map(.summary.lines.count) | add) * 1000 | round / 10) % of \(map(.summary.lines.count) | add) lines",
          (map(select(.summary.lines.percent < 60)) | .[] | "  \(.filename | ltrimstr($at)): \(.summary.lines.percent | round) % of \(.summary.lines.count)")'
  done
}

[ $# != 0 ] || set -- unsafe miri sanitizers coverage
for part in "$@"; do
  case $part in
    unsafe) unsafe_code ;;
    miri) miri ;;
    sanitizers) sanitizers ;;
    coverage) coverage ;;
    -h | --help) sed -n '2,14s/^# \{0,1\}//p' "$0" ;;
    *) echo "unknown part $part; see --help" >&2; exit 2 ;;
  esac
done
