#!/usr/bin/env bash
# Everything that must be true before a change is taken: formatting, lints, licences, and all tests, with
# real mounts by an unprivileged user. The last line is `N passed, N failed`; the exit status is 0 when
# nothing failed. What cannot be run is a failure.
#
#   tests/run.sh           installs what is missing, then all of it
#   tests/run.sh --quick   installs nothing
#   tests/run.sh --long    all of it, and the modes that take their time: more cases for every proptest,
#                          longer storms
#   tests/run.sh FILTER    only the tests whose name contains FILTER
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

quick='' long='' filter=''
for arg in "$@"; do
  case $arg in
    --quick) quick=1 ;;
    --long) long=1 ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "unknown option $arg; see --help" >&2; exit 2 ;;
    *) filter=$arg ;;
  esac
done

passed=0 failed=0
step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }
good() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAILED: $1"; }
check() { # NAME COMMAND…: one check that passes or fails as a whole
  local name=$1; shift
  step "$name"
  if "$@"; then good; else bad "$name"; fi
}
if [ "$(id -u)" = 0 ]; then as_root() { "$@"; }; else as_root() { sudo -n "$@"; }; fi

# --- what it needs ----------------------------------------------------------------------------------

# A program, and the package that has it.
needed="
  age:age attr:attr bash:bash cc:gcc curl:curl dbus-daemon:dbus debootstrap:debootstrap desktop-file-validate:desktop-file-utils direnv:direnv
  dpkg-shlibdeps:dpkg-dev du:coreutils find:findutils findmnt:util-linux fish:fish flock:util-linux fusermount3:fuse3 gcore:gdb getfattr:attr git:git
  gnome-keyring-daemon:gnome-keyring jq:jq keyctl:keyutils kubectl:kubernetes-client lintian:lintian losetup:mount makepkg:makepkg mkswap:util-linux
  musl-gcc:musl-tools nix-instantiate:nix-bin node:nodejs nsenter:util-linux openssl:openssl pkg-config:pkg-config prlimit:util-linux ps:procps
  python3:python3 rpmbuild:rpm rpmlint:rpmlint ruby:ruby script:bsdutils secret-tool:libsecret-tools setpriv:util-linux shellcheck:shellcheck
  ssh-keygen:openssh-client stress-ng:stress-ng swapon:mount tar:tar unshare:util-linux zsh:zsh
"
missing_packages() {
  local pair
  for pair in $needed; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
  done
  pkg-config --exists fuse3 2>/dev/null || echo libfuse3-dev
}
install_missing() {
  local packages
  packages=$(missing_packages | sort -u | tr '\n' ' ')
  [ -z "${packages// /}" ] && return 0
  echo "installing: $packages"
  if ! command -v apt-get >/dev/null; then
    echo "this system has no apt-get; install these by its own means: $packages"
    return 1
  fi
  # shellcheck disable=SC2086  # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
  [ -z "$(missing_packages)" ]
}
rust_is_there() {
  command -v cargo >/dev/null || . "${CARGO_HOME:-$HOME/.cargo}/env" 2>/dev/null
  cargo --version && cargo clippy --version && cargo fmt --version
}
fuse_is_usable() {
  [ -e /dev/fuse ] || as_root modprobe fuse
  [ -e /dev/fuse ] || { echo "no /dev/fuse: load the module fuse, or give the container the device"; return 1; }
  # 0666 is what udev gives it everywhere; a container without udev may not have been told.
  [ "$(stat -c %a /dev/fuse)" = 666 ] || as_root chmod 666 /dev/fuse
}

# Debian's elogind conflicts with systemd, so that installing it would take that away: its files are
# enough. Where elogind is installed, or was unpacked before, nothing is to be done.
elogind_is_there() {
  local tree=${CARGO_TARGET_DIR:-target}/elogind
  [ -x /lib/elogind/elogind ] || [ -x "$tree/lib/elogind/elogind" ] && return 0
  [ -z "$quick" ] || { echo "elogind is not there, and --quick installs nothing"; return 1; }
  unpack "$tree" elogind libelogind0
}
# The other way round where elogind is what the machine has.
systemd_analyze_is_there() {
  local tree=${CARGO_TARGET_DIR:-target}/systemd
  command -v systemd-analyze >/dev/null || [ -x "$tree/usr/bin/systemd-analyze" ] && return 0
  [ -z "$quick" ] || { echo "systemd-analyze is not there, and --quick installs nothing"; return 1; }
  # The last two are what nothing else on a bare machine brings.
  unpack "$tree" systemd libsystemd-shared libip4tc2 libkmod2
}
# A clean Debian, of this machine's release and from its mirror, to install the package into.
clean_debian_is_there() {
  local file=${CARGO_TARGET_DIR:-target}/clean-debian.tar new mirror
  [ -f "$file" ] && return 0
  [ -z "$quick" ] || { echo "$file is not there, and --quick installs nothing"; return 1; }
  mirror=$(mirror_of_this_release) || { as_root apt-get update -qq && mirror=$(mirror_of_this_release); } ||
    { echo "apt's sources name no mirror of this release"; return 1; }
  new=$(mktemp -d) || return 1
  mkdir -p "$(dirname "$file")"
  if as_root debootstrap --variant=minbase --include=fuse3 "${mirror#* }" "$new/root" "${mirror% *}" >"$new/said" 2>&1; then
    as_root tar -C "$new/root" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./dev/*' -cf - . >"$file.new" &&
      mv "$file.new" "$file"
  else
    tail -5 "$new/said"
  fi
  as_root rm -rf --one-file-system "$new"
  [ -f "$file" ]
}
mirror_of_this_release() { # its address and code name
  (
    . /etc/os-release
    # shellcheck disable=SC2016  # apt's variables
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' |
      awk -v name="${VERSION_CODENAME:-}" '$2 == name && ($3 == "Debian" || $3 == "Ubuntu") { print $1, $2; found = 1; exit } END { exit !found }'
  )
}
cargo_deb_is_there() {
  local tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
  PATH=$tools/bin:$PATH cargo deb --version 2>/dev/null && return 0
  [ -z "$quick" ] || { echo "cargo-deb is not there, and --quick installs nothing"; return 1; }
  # For two packages it need not be fast, and building it so takes twice the time.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install cargo-deb --version 3.8.0 --locked --quiet --root "$tools"
}
# An installed podman has a configuration of its own, and its busybox may need libraries.
podman_is_there() {
  local tree=${CARGO_TARGET_DIR:-target}/podman
  [ -x "$tree/usr/bin/podman" ] && [ -x "$tree/bin/busybox" ] && return 0
  [ -z "$quick" ] || { echo "podman is not there, and --quick installs nothing"; return 1; }
  unpack "$tree" podman conmon crun libyajl2 libgpgme11 libsubid4 busybox-static
}
unpack() { # FOLDER PACKAGE…: the packages' files below the folder
  local tree=$1 new; shift
  command -v apt-get >/dev/null || { echo "this system has no apt-get; install these by its own means: $*"; return 1; }
  new=$(mktemp -d) || return 1
  chmod 755 "$new"
  (
    cd "$new" && { apt-get download -qq "$@" || { as_root apt-get update -qq && apt-get download -qq "$@"; }; } &&
      mkdir tree && for package in *.deb; do dpkg -x "$package" tree || exit 1; done
  ) 2>"$new/said" || { cat "$new/said"; return 1; }
  mkdir -p "$(dirname "$tree")" && rm -rf "$tree" && mv "$new/tree" "$tree" && rm -rf "$new"
}

[ -n "$quick" ] || check "programs" install_missing
check "elogind" elogind_is_there
check "systemd-analyze" systemd_analyze_is_there
check "podman" podman_is_there
check "rust" rust_is_there
check "cargo-deb" cargo_deb_is_there
check "a clean Debian" clean_debian_is_there
check "fuse" fuse_is_usable
if [ "$failed" != 0 ]; then
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  exit 1
fi

# --- one feature selection and one profile, so that each dependency is compiled once ------------------

all=(--workspace --all-features --all-targets)
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0} RUST_BACKTRACE=1
[ -n "$long" ] && export PROPTEST_CASES=${PROPTEST_CASES:-20000} SECRETFS_LONG=1
locked=()
[ -f Cargo.lock ] && locked=(--locked)

build() { cargo build "${locked[@]}" --workspace --all-features --all-targets --quiet; }
# What is proven of its memory is proven of what is shipped.
build_shipped() { cargo build "${locked[@]}" --release -p secretfs --quiet; }
# The same profile with test hooks, for what can only be tried from inside. Built before, because both
# have one name.
build_hooked() {
  local target=${CARGO_TARGET_DIR:-target}
  cargo build "${locked[@]}" --release -p secretfs --features test-hooks --quiet &&
    cp "$target/release/secretfs" "$target/release/secretfs-test-hooks.new" &&
    mv "$target/release/secretfs-test-hooks.new" "$target/release/secretfs-test-hooks"
}
# That it runs is proven, not how fast.
build_static() { packaging/static.sh --quiet --config 'profile.dev.package."*".opt-level=0' >/dev/null; }
lint() { cargo clippy "${locked[@]}" "${all[@]}" --quiet -- -D warnings; }
lint_shipped() { cargo clippy "${locked[@]}" -p secretfs --quiet -- -D warnings; }
# The rooms' own documentation, which CONTRIBUTING.md leads into: no link of it leads nowhere.
documentation() { RUSTDOCFLAGS='-D warnings' cargo doc "${locked[@]}" --workspace --all-features --no-deps --document-private-items --quiet; }
licences() { cargo deny --log-level error check bans licenses sources; }
advisories() { cargo deny --log-level error check advisories; }

if [ -z "$filter" ]; then
  check "formatting" cargo fmt --all --check
  check "lints" lint
  # What is shipped has no test hooks: a line that only they need would be dead code there.
  check "lints, as shipped" lint_shipped
  check "documentation" documentation
  if cargo deny --version >/dev/null 2>&1; then
    check "licences and sources" licences
    if cargo deny fetch db >/dev/null 2>&1; then
      check "advisories" advisories
    else
      echo "the database of advisories cannot be fetched: advisories are not checked"
    fi
  else
    echo "cargo-deny is not installed: licences and advisories are not checked"
  fi
fi

# Some tests look at another user's processes, or lay out roots of their own, which root alone may. `env`:
# sudo has a PATH of its own.
if [ "$(id -u)" != 0 ]; then
  host=$(rustc -vV | sed -n 's/^host: //p')
  export "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$host")_RUNNER=sudo -n -E env PATH=$PATH"
fi

# --- tests --------------------------------------------------------------------------------------------

before=$(mktemp) after=$(mktemp) out=$(mktemp) why=$(mktemp)
trap 'rm -f "$before" "$after" "$out" "$why"' EXIT
ours() { # what a test may leave behind: mounts, and processes of the executable
  grep -E ' - fuse\.(secretfs|constfs) ' /proc/self/mountinfo | cut -d' ' -f5
  ps -eo pid=,args= | awk '/(\/secretfs|^ *[0-9]+ \/proc\/self\/exe) internal-/ && !/awk/ { print }'
}
ours >"$before"

add() { passed=$((passed + $1)); failed=$((failed + $2)); }
run_tests() {
  local status passes=0 fails=0
  if cargo nextest --version >/dev/null 2>&1; then
    # shellcheck disable=SC2086  # no filter: no word
    cargo nextest run "${locked[@]}" --workspace --all-features --lib --bins --tests --no-fail-fast --status-level slow --final-status-level fail \
      --failure-output immediate $filter 2>&1 | tee "$out"
    status=${PIPESTATUS[0]}
    local summary
    summary=$(grep -E '^ *Summary \[' "$out" | tail -1)
    passes=$(sed -nE 's/.*[^0-9]([0-9]+) passed.*/\1/p' <<<"$summary")
    fails=$(sed -nE 's/.*[^0-9]([0-9]+) failed.*/\1/p' <<<"$summary")
    local timed_out
    timed_out=$(sed -nE 's/.*[^0-9]([0-9]+) timed out.*/\1/p' <<<"$summary")
    fails=$((${fails:-0} + ${timed_out:-0}))
  else
    # shellcheck disable=SC2086
    cargo test "${locked[@]}" --workspace --all-features --lib --bins --tests --no-fail-fast $filter 2>&1 | tee "$out"
    status=${PIPESTATUS[0]}
    passes=$(sum_of passed) fails=$(sum_of failed)
  fi
  why_it_failed
  add "${passes:-0}" "${fails:-0}"
  # Not a test that failed, but a runner: a crash, a build, nothing that matched.
  if [ "$status" != 0 ] && [ "${fails:-0}" = 0 ]; then bad "the test runner (status $status)"; fi
  if [ "${passes:-0}" = 0 ] && [ "${fails:-0}" = 0 ]; then bad "no test was run"; fi
}
why_it_failed() { # what the tests that failed said, without their logs
  awk '/panicked at /{ on = 1; n = 0 } on && (/^ *stack backtrace:/ || /^ *note: run with/ || /^ *--- the end of/ || n++ > 60) { on = 0; print "" } on' "$out" >>"$why"
}
sum_of() { # passed|failed: over the lines of `cargo test`
  awk -v what="$1" '/^test result:/ { for (i = 2; i <= NF; i++) if ($i ~ "^" what) n += $(i - 1) } END { print n + 0 }' "$out"
}
run_doc_tests() {
  # shellcheck disable=SC2086
  cargo test "${locked[@]}" --workspace --all-features --doc --no-fail-fast $filter 2>&1 | tee "$out" | grep -vE '^(running|test result: ok|$)'
  local status=${PIPESTATUS[0]}
  why_it_failed
  add "$(sum_of passed)" "$(sum_of failed)"
  if [ "$status" != 0 ] && [ "$(sum_of failed)" = 0 ]; then bad "the doc tests (status $status)"; fi
}

check "build" build
check "build, as shipped, with test hooks" build_hooked
check "build, as shipped" build_shipped
check "build, linked statically" build_static
step "tests"
run_tests
step "doc tests"
run_doc_tests

step "nothing is left"
# What is on its way out is not left.
for _ in $(seq 50); do
  ours >"$after"
  comm -13 <(sort "$before") <(sort "$after") >"$out"
  [ -s "$out" ] || break
  sleep 0.2
done
if [ ! -s "$out" ]; then
  good
else
  cat "$out"
  bad "mounts or processes are left"
  # The next run starts on a clean machine all the same.
  while read -r first rest; do
    case $first in
      /*) as_root fusermount3 -u -z -- "$first" ;;
      *) as_root kill -KILL "$first" ;;
    esac
  done <"$out"
fi
rm -rf "/tmp/secretfs-tests-$(id -u)"

# Last, where whoever sees only the end of a long log finds it.
if [ -s "$why" ]; then
  step "what failed"
  cat "$why"
fi
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
