#!/usr/bin/env bash
# Looks for inputs that break a property of tests/src/fuzzing/, with libFuzzer and a nightly compiler. What it
# finds is in tests/fuzz/artifacts/; new inputs are kept in target/fuzz-corpus/, and none is added to the corpus.
#
#   tests/fuzz.sh                    every target, ten minutes each
#   tests/fuzz.sh TARGET             one of them: map archive references answers control dotenv
#   tests/fuzz.sh TARGET SECONDS     that long
#   tests/fuzz.sh --merge            takes into the corpus what was found: as few files as reach what it did not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=(map archive references answers control dotenv)
tools=$PWD/target/tools
export PATH=$tools/bin:$PATH CARGO_INCREMENTAL=0
fuzz=(--fuzz-dir tests/fuzz --target-dir target/fuzz)
found=$PWD/target/fuzz-corpus

case ${1:-} in
  -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
  '' | --merge) targets=("${all[@]}") ;;
  *)
    [[ " ${all[*]} " == *" $1 "* ]] || { echo "unknown target $1; see --help" >&2; exit 2; }
    targets=("$1")
    ;;
esac
seconds=${2:-600}

cargo +nightly --version >/dev/null || { echo 'needs a nightly compiler: rustup toolchain install nightly' >&2; exit 1; }
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --version 0.13.2 --locked --quiet --root "$tools"

for target in "${targets[@]}"; do
  mkdir -p "$found/$target"
  if [ "${1:-}" = --merge ]; then
    # Each branch once, not each number of times that it is taken: that would be thousands of files.
    cargo +nightly fuzz run "${fuzz[@]}" "$target" "tests/fuzz/corpus/$target" "$found/$target" -- \
      -set_cover_merge=1 -use_counters=0 -max_len=4096 -rss_limit_mb=1024
    continue
  fi
  # An input of 4 KiB has to do with 512 MiB and ten seconds.
  cargo +nightly fuzz run "${fuzz[@]}" "$target" "$found/$target" "tests/fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=512 -timeout=10 -print_final_stats=1 -dict=tests/fuzz/words.dict
done
