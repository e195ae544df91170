//! The statically linked executable needs nothing of the system that it runs on but the kernel.

use crate::kitchen::{in_a_root, target, well};

/// From outside of the root, in it: each command of the executable alone.
const LIFE: &str = r#"
secretfs() { env -i HOME=/home PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /secretfs "$@"; }
secretfs --version
secretfs check --map /map.yml
secretfs env --map /map.yml --shell sh
vault='--file /home/vault.age --passphrase-file /passphrase'
secretfs vault init $vault
printf 'what is in A' | secretfs vault set A $vault
secretfs vault list $vault
secretfs doctor
secretfs mount --map /map.yml --passphrase-file /passphrase
echo "read: $(cat home/secrets/a)"
secretfs status
secretfs lock
! cat home/secrets/a 2>/dev/null
secretfs unlock --all --passphrase-file /passphrase
echo "unlocked: $(cat home/secrets/a)"
secretfs unmount
echo "inject: $(secretfs run --inject --map /map.yml --passphrase-file /passphrase -- /secretfs env --map /map.yml --shell json)"
secretfs man | grep '^\.TH'
echo there: *
"#;

#[test]
fn the_static_executable_mounts_in_a_root_that_holds_nothing_else() {
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let executable = target().join(triple).join("debug/secretfs");
    assert!(
        executable.exists(),
        "{}: made by packaging/static.sh, as tests/run.sh does",
        executable.display()
    );
    let fill = format!(
        "cp '{}' secretfs
mkdir -m 700 home
mkdir -m 1777 tmp
echo a passphrase >passphrase
cat >map.yml <<'MAP'
config: {{mountpoint: /home/secrets}}
providers:
  vault: {{type: local, file: /home/vault.age}}
secrets:
  - {{name: A, file: a, env: A_FILE}}
MAP",
        executable.display()
    );
    let output = in_a_root(&fill, "sh -euc \"$1\"", LIFE);
    well(&output);
    let printed = String::from_utf8_lossy(&output.stdout);
    for line in [
        &format!("secretfs {}", env!("CARGO_PKG_VERSION")),
        "export A_FILE=/home/secrets/a",
        "secretfs can mount here",
        "read: what is in A",
        "unlocked: what is in A",
        "\"A_FILE\": \"/home/secrets/a\"",
        ".TH secretfs 1",
        // Its own sockets and records, without $XDG_RUNTIME_DIR.
        "there: dev home map.yml passphrase proc secretfs tmp\n",
    ] {
        assert!(printed.contains(line), "{line}: {printed}");
    }
}
