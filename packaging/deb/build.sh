#!/usr/bin/env bash
# A Debian package of target/release/secretfs, and says where it is.
#
#   packaging/deb/build.sh [FOLDER]    default: target/packages
#
# Needs cargo-deb (`cargo install cargo-deb --locked`), dpkg-dev and python3. The same commit, executable
# and $SOURCE_DATE_EPOCH (default: the last commit's time) make the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in -*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
target=${CARGO_TARGET_DIR:-target}
folder=${1:-$target/packages}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# Where the assets of cli/Cargo.toml are looked for. Not in it: what cargo-deb adds itself (the executable),
# and licences, which Debian has in one place.
stage=target/stage/deb
mkdir -p target/stage
exec 9>target/stage/deb.lock
flock 9 # it is one place
rm -rf "$stage"
packaging/stage.sh --destdir "$stage" --zsh share/zsh/vendor-completions --binary "$target/release/secretfs"
rm -r "${stage:?}/usr/bin" "$stage/usr/share/licenses"
doc=$stage/usr/share/doc/secretfs
gzip -9n <"$doc/CHANGELOG.md" >"$doc/changelog.gz" && rm "$doc/CHANGELOG.md"
packaging/crates.py notices | gzip -9n >"$doc/THIRD-PARTY.txt.gz"
install -D -m 0644 packaging/deb/lintian-overrides "$stage/usr/share/lintian/overrides/secretfs"

mkdir -p "$folder"
cargo deb -p secretfs --no-build --no-strip --locked --quiet --output "$folder"
