//! The .deb: what lintian says of it, and its life in a clean Debian.

use crate::kitchen::{in_a_root, said, script, staged, target, well};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the package of the shipped executable.
fn built(folder: &Path) -> PathBuf {
    let printed = said(script("deb/build.sh").arg(folder));
    printed.lines().last().expect("a path").into()
}

/// Where a .deb has what stage.sh puts into `/usr`: manual pages and the changes compressed, the licences in one
/// file, and what the rest of Debian expects beside them.
fn as_debian_has_it(path: &str) -> Option<String> {
    if path.starts_with("/usr/share/licenses/") {
        return None;
    }
    if path == "/usr/share/doc/secretfs/CHANGELOG.md" {
        return Some("/usr/share/doc/secretfs/changelog.gz".to_owned());
    }
    let compressed = path.starts_with("/usr/share/man/");
    Some(format!("{path}{}", if compressed { ".gz" } else { "" }))
}

fn expected() -> BTreeSet<String> {
    let mut expected: BTreeSet<String> = staged(&["--zsh", "share/zsh/vendor-completions"])
        .iter()
        .filter_map(|path| as_debian_has_it(path))
        .collect();
    for more in [
        "/usr/share/doc/secretfs/changelog.Debian.gz",
        "/usr/share/doc/secretfs/copyright",
        "/usr/share/doc/secretfs/THIRD-PARTY.txt.gz",
        "/usr/share/lintian/overrides/secretfs",
    ] {
        expected.insert(more.to_owned());
    }
    expected
}

#[test]
fn the_package_has_what_the_list_says_and_lintian_is_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = built(folder.path());
    let listed = said(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let packed: BTreeSet<String> = listed
        .lines()
        .filter(|line| !line.starts_with('d'))
        .map(|line| {
            let path = line.split_whitespace().nth(5).expect("a path");
            path.trim_start_matches('.').to_owned()
        })
        .collect();
    assert_eq!(packed, expected());
    assert!(
        listed
            .lines()
            .all(|line| line.contains(" 0/0 ") || line.contains(" root/root ")),
        "{listed}"
    );
    let complaints = said(
        Command::new("lintian")
            .args(["--fail-on", "error,warning", "--allow-root"])
            .arg(&package),
    );
    assert_eq!(complaints, "");
}

/// The README's first map that needs nothing but a local vault.
fn map_of_the_readme() -> String {
    secretfs_tests::documents::blocks("README.md", "yaml")
        .into_iter()
        .find(|map| map.contains("type: local") && map.contains("KUBE_CONFIG"))
        .expect("the README shows a map with a local vault")
}

/// In the clean root, as root: installs, lets somebody use it, removes it.
const LIFE: &str = r#"
files() { find / -xdev \( -path /proc -o -path /tmp -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \) -prune -o -print | sort; }
useradd --create-home --shell /bin/sh somebody
files >/tmp/before
dpkg --install /tmp/secretfs.deb >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
dpkg --verify secretfs
dpkg --listfiles secretfs >/tmp/installed
files >/tmp/between

# A root without an init has no /etc/mtab. Doctor says so, and what mends it.
doctor=$(runuser -u somebody -- secretfs doctor) && { echo 'doctor saw nothing'; exit 1; }
mend=$(printf '%s' "$doctor" | sed -n 's/.*help: `sudo \(.* \/etc\/mtab\)`$/\1/p')
echo "mended by: $mend"
$mend

cat >/tmp/use <<'USE'
set -eu
cd
secretfs --version
secretfs doctor
secretfs check
echo a passphrase >passphrase
secretfs vault init --passphrase-file passphrase
printf 'what kubectl reads' | secretfs vault set KUBE_CONFIG --passphrase-file passphrase
secretfs mount --passphrase-file passphrase
eval "$(secretfs env)"
echo "read: $(cat "$KUBECONFIG")"
secretfs unmount
USE
as_somebody() { runuser -u somebody -- env HOME=/home/somebody prlimit --memlock=8388608:8388608 "$@"; }
mkdir -p /home/somebody/.config/secretfs
cp /tmp/secrets.yml /home/somebody/.config/secretfs/
chown -R somebody /home/somebody
as_somebody sh /tmp/use
# Where NixOS has it.
mkdir -p /run/wrappers/bin
mv /usr/bin/fusermount3 /run/wrappers/bin/
as_somebody sh -c 'cd; secretfs mount --passphrase-file passphrase; echo "again: $(cat secrets/kubeconfig)"; secretfs unmount'
mv /run/wrappers/bin/fusermount3 /usr/bin/
rmdir /run/wrappers/bin /run/wrappers

for link in mount.secretfs umount.fuse.secretfs; do
  /usr/sbin/$link --version
  zcat /usr/share/man/man8/$link.8.gz | grep -q "^\.TH $link 8"
done
zcat /usr/share/man/man1/secretfs-mount.1.gz | grep -q '^\.TH secretfs-mount 1'
grep -q _secretfs /usr/share/bash-completion/completions/secretfs
head -1 /usr/share/zsh/vendor-completions/_secretfs | grep -q '^#compdef secretfs'
grep -q '^complete --command secretfs ' /usr/share/fish/vendor_completions.d/secretfs.fish
for unit in user/secretfs user/secretfs-lock system/secretfs@; do grep -q '^ExecStart=/usr/bin/secretfs ' /usr/lib/systemd/$unit.service; done

# A mount outlives an upgrade, answers the commands of the new executable, and outlives the removal.
on_what_is_gone() { ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c 'secretfs.*(deleted)' || true; }
as_somebody sh -c 'cd; secretfs mount --passphrase-file passphrase'
dpkg --install /tmp/secretfs.deb >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
echo "upgraded under: $(on_what_is_gone)"
as_somebody sh -c 'cd; secretfs status; secretfs refresh; echo "old: $(cat secrets/kubeconfig)"; secretfs lock; secretfs unlock --passphrase-file passphrase; echo "new: $(cat secrets/kubeconfig)"'
echo "still under: $(on_what_is_gone)"
dpkg --purge secretfs >/tmp/said 2>&1 || { cat /tmp/said; exit 1; }
as_somebody sh -c 'echo "removed: $(cat /home/somebody/secrets/kubeconfig)"; fusermount3 -u /home/somebody/secrets'
tries=0
while [ "$(on_what_is_gone)" != 0 ]; do
  tries=$((tries + 1))
  [ $tries -lt 1000 ] || { echo 'processes are left'; exit 1; }
  sleep 0.02
done
rm -rf /home/somebody/.[!.]* /home/somebody/*
rm /etc/mtab
files >/tmp/after
echo "came: $(comm -13 /tmp/before /tmp/between | wc -l)"
echo 'left:'
diff /tmp/before /tmp/after | grep '^[<>] ' | grep -v ' /home/somebody/' || true
"#;

#[test]
fn a_clean_debian_installs_it_mounts_the_readmes_map_and_is_as_it_was_after_the_removal() {
    let clean = target().join("clean-debian.tar");
    assert!(
        clean.exists(),
        "{}: made by debootstrap, as tests/run.sh does",
        clean.display()
    );
    let folder = tempfile::tempdir().expect("a folder");
    let package = built(folder.path());
    let map = folder.path().join("secrets.yml");
    std::fs::write(&map, map_of_the_readme()).expect("a map");
    let fill = format!(
        "tar -xf '{}'\ncp '{}' tmp/secretfs.deb\ncp '{}' tmp/secrets.yml",
        clean.display(),
        package.display(),
        map.display()
    );
    let shell = "chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -euc \"$1\"";
    let output = in_a_root(&fill, shell, LIFE);
    well(&output);
    let printed = String::from_utf8_lossy(&output.stdout);
    for when in ["read", "again", "old", "new", "removed"] {
        let line = format!("{when}: what kubectl reads\n");
        assert!(printed.contains(&line), "{when}: {printed}");
    }
    assert!(!printed.contains("upgraded under: 0"), "{printed}");
    assert!(printed.contains("still under: 0"), "{printed}");
    let came = printed.lines().find_map(|line| line.strip_prefix("came: "));
    let came: usize = came.expect("a count").trim().parse().expect("a number");
    assert!(came > expected().len(), "{came}");
    let (_, left) = printed.split_once("left:\n").expect("what is left");
    assert_eq!(left, "", "{printed}");
}
