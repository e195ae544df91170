#!/usr/bin/env bash
# Everything that a release consists of, below dist/, from the commit that is checked out: the source archive,
# archives with the executable linked statically (musl) and dynamically, .deb, .rpm, PKGBUILD and formula with the
# checksum of the source, the bill of materials, the licences of what is linked, and checksums of all of it.
#
#   packaging/release.sh               the tree is clean and HEAD is tagged vVERSION
#   packaging/release.sh --dry-run     neither is asked for, nothing is compiled or signed: packs target/release/secretfs
#
#   --out FOLDER                       instead of dist
#   --sign gpg:KEY | minisign:FILE | cosign:FILE
#                                      signs the checksums; may be given several times
#   --without static|deb|rpm           leaves that out, where this machine cannot make it; else it is an error
#
# Static: see packaging/static.sh. deb: cargo-deb and dpkg-dev. rpm: rpmbuild.
# The same commit and executable make the same bytes ($SOURCE_DATE_EPOCH is the commit's time), but for signatures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dry='' out=dist sign=() without=' '
usage() { echo "$1; see packaging/release.sh --help" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --dry-run) dry=1; shift; continue ;;
    --out | --sign | --without) [ $# -gt 1 ] || usage "$1 takes a value" ;;
    *) usage "unknown option $1" ;;
  esac
  case $1:$2 in
    --out:*) out=$2 ;;
    --sign:gpg:* | --sign:minisign:* | --sign:cosign:*) sign+=("$2") ;;
    --without:static | --without:deb | --without:rpm) without+="$2 " ;;
    *) usage "$1 does not take $2" ;;
  esac
  shift 2
done
fail() { echo "error: $1" >&2; exit 1; }
step() { printf '%-10s %s\n' "$1" "$2"; }
wanted() { case $without in *" $1 "*) return 1 ;; esac; }
needs() { command -v "$1" >/dev/null || fail "$1 is not installed; $2"; }

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
machine=$(uname -m)
name=secretfs-$version
if [ -z "$dry" ]; then
  [ -z "$(git status --porcelain)" ] || fail "the tree is not clean: a release is what was committed"
  [ "$(git describe --exact-match --tags 2>/dev/null)" = "v$version" ] || fail "HEAD is not tagged v$version"
fi
if wanted deb; then
  needs dpkg-deb "package dpkg-dev, or --without deb"
  cargo deb --version >/dev/null 2>&1 || fail "cargo-deb is not installed: cargo install cargo-deb --locked, or --without deb"
fi
if wanted rpm; then needs rpmbuild "package rpm, or --without rpm"; fi
if wanted static && [ -z "$dry" ]; then
  needs musl-gcc "package musl-tools, or --without static"
fi

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive() { # FILE FOLDER…: in an order, with a time and owners of its own
  local file=$1; shift
  tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$@" | gzip -9n >"$file"
}

git archive --format=tar --prefix="$name/" HEAD | gzip -9n >"$out/$name.tar.gz"
step source "$name.tar.gz"

# --- executables, of what was committed and nothing else ----------------------------------------------

dynamic=${CARGO_TARGET_DIR:-$PWD/target}/release/secretfs static=''
if [ -n "$dry" ]; then
  [ -x "$dynamic" ] || fail "$dynamic is not there: cargo build --release --locked -p secretfs"
else
  tar -C "$work" -xzf "$out/$name.tar.gz"
  export CARGO_TARGET_DIR=$work/target
  # No path of this machine in it.
  export RUSTFLAGS="--remap-path-prefix=$work/$name=/usr/src/secretfs --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/usr/share/cargo"
  (cd "$work/$name" && cargo build --release --locked -p secretfs)
  dynamic=$CARGO_TARGET_DIR/release/secretfs
  if wanted static; then static=$("$work/$name/packaging/static.sh" --release); fi
  unset RUSTFLAGS
fi
[ "$("$dynamic" --version)" = "secretfs $version" ] || fail "$dynamic is not version $version"

packaging/crates.py sbom >"$out/$name.cdx.json"
step bill "$name.cdx.json"
packaging/crates.py notices >"$work/notices"

for libc in gnu musl; do
  if [ $libc = gnu ]; then binary=$dynamic; else binary=$static; fi
  [ -n "$binary" ] || continue
  folder=$name-$machine-linux-$libc
  # Below /usr/local: units name the executable by its whole path.
  packaging/stage.sh --destdir "$work/$libc" --prefix /usr/local --binary "$binary" --notices "$work/notices"
  mv "$work/$libc/usr/local" "$work/$folder"
  archive "$out/$folder.tar.gz" "$folder"
  step archive "$folder.tar.gz"
done

# --- packages -----------------------------------------------------------------------------------------

if wanted deb; then
  packaging/deb/build.sh "$out" >/dev/null
  step deb "$(basename "$out"/*.deb)"
fi
if wanted rpm; then
  mkdir -p "$work/rpm/SOURCES"
  cp "$out/$name.tar.gz" "$work/rpm/SOURCES/"
  rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "built $dynamic" --define "notices $work/notices" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost localhost" \
    packaging/rpm/secretfs.spec >"$work/rpm/said" 2>&1 || { cat "$work/rpm/said" >&2; fail "rpmbuild"; }
  cp "$work"/rpm/RPMS/*/*.rpm "$out/"
  step rpm "$(basename "$out"/*.rpm)"
fi
sum=$(sha256sum "$out/$name.tar.gz" | cut -d' ' -f1)
sed "s/^sha256sums=.*/sha256sums=('$sum')/" packaging/arch/PKGBUILD >"$out/PKGBUILD"
sed "s/^  sha256 \".*\"/  sha256 \"$sum\"/" packaging/homebrew/secretfs.rb >"$out/secretfs.rb"
for recipe in PKGBUILD secretfs.rb; do grep -q "$sum" "$out/$recipe" || fail "$recipe did not take the checksum"; done
step recipes "PKGBUILD secretfs.rb"

# --- checksums, and who says so -----------------------------------------------------------------------

(cd "$out" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum) >"$work/sums"
install -m 0644 "$work/sums" "$out/SHA256SUMS"
step checksums "SHA256SUMS, of $(wc -l <"$out/SHA256SUMS") files"
[ -z "$dry" ] || exit 0
for key in "${sign[@]}"; do
  case $key in
    gpg:*) gpg --batch --yes --local-user "${key#*:}" --armor --detach-sign --output "$out/SHA256SUMS.asc" "$out/SHA256SUMS" ;;
    minisign:*) minisign -S -s "${key#*:}" -m "$out/SHA256SUMS" -x "$out/SHA256SUMS.minisig" ;;
    cosign:*) cosign sign-blob --yes --key "${key#*:}" --output-signature "$out/SHA256SUMS.sig" "$out/SHA256SUMS" ;;
  esac
  step signed "${key%%:*}"
done
