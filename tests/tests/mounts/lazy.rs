//! Mounting, listing and looking fetch nothing: counted at the provider.

use crate::scripted::Scripted;
use secretfs_tests::fixture::{told, value};

fn mount() -> Scripted {
    let entries = [
        "{name: A, file: a}",
        "{name: x/B, file: sub/b}",
        "{name: x/C, file: sub/deep/c}",
        "{folder: /x, file: x.env, format: dotenv}",
    ];
    let mount = Scripted::mounted("", &entries);
    mount.sim.set("A", value("a", 64));
    mount.sim.set("x/B", value("b", 64));
    mount.sim.set("x/C", value("c", 64));
    mount
}

#[test]
fn walks_that_only_look_fetch_nothing() {
    let mount = mount();
    let walks = [
        "ls -lR \"$M\"",
        "find \"$M\" -type f -size -10k -newer /etc/passwd -o -name 'a*' -print",
        "du -a \"$M\"",
        "stat \"$M\"/* \"$M\"/sub/deep/c",
        "test -f \"$M/a\" && test -r \"$M/a\" && test -e \"$M/sub/b\"",
        "tar -cf /dev/null \"$M\"",
        "cd \"$M/..\" && git init -q . && git status --porcelain --untracked-files=all",
        "cd \"$M\" && for f in * */*; do [ -e \"$f\" ]; done",
        "getfattr -R -d -m - \"$M\"",
        "file \"$M\"/* >/dev/null 2>&1 || true",
        "df \"$M\"; true",
        "bash -c 'compgen -f \"$M/\"; compgen -G \"$M/*/*\"'",
        "zsh -fc 'print -l -- $M/**/*(.)'",
        "fish --no-config -c 'complete -C \"cat $M/\"; complete -C \"cat $M/sub/\"'",
        "/usr/bin/python3 -c 'import os, sys; [os.stat(os.path.join(d, f)) for d, _, fs in os.walk(sys.argv[1]) for f in fs]' \"$M\"",
    ];
    for walk in walks {
        let output = mount
            .command("bash")
            .env("M", mount.mountpoint())
            .env("HOME", mount.path("home"))
            .args(["-c", walk])
            .output()
            .expect("bash");
        assert_eq!(mount.sim.count(), 0, "{walk}: {}", told(&output));
        assert!(output.status.success(), "{walk}: {}", told(&output));
    }
}

#[test]
fn the_first_open_fetches_that_secret_alone() {
    let mount = mount();
    assert_eq!(mount.read("a"), Ok(value("a", 64)));
    assert_eq!(mount.sim.count(), 1);
    assert_eq!(mount.sim.requests()[0].names, ["A"]);
}

#[test]
fn sizes_are_zero_before_the_first_open_and_exact_after_it() {
    let mount = mount();
    let mut probe = mount.probe();
    assert_eq!(probe.stat(mount.file("a")).size, 0);
    probe.slurp(mount.file("a")).expect("the value");
    assert_eq!(probe.stat(mount.file("a")).size, 64);
    mount.advance(std::time::Duration::from_secs(7200));
    assert_eq!(
        probe.stat(mount.file("a")).size,
        64,
        "after its ttl as well"
    );
    assert_eq!(mount.sim.count(), 1);
}

#[test]
fn nothing_changes_while_nothing_changes() {
    let mount = mount();
    let mut probe = mount.probe();
    let cold = probe.stat(mount.file("sub/b"));
    assert_eq!(probe.stat(mount.file("sub/b")), cold);
    probe.slurp(mount.file("sub/b")).expect("the value");
    let warm = probe.stat(mount.file("sub/b"));
    for _ in 0..3 {
        mount.advance(std::time::Duration::from_secs(600));
        probe.slurp(mount.file("sub/b")).expect("the value");
        assert_eq!(
            probe.stat(mount.file("sub/b")),
            warm,
            "the same value, checked again"
        );
    }
}

#[test]
fn a_listed_folder_costs_one_call_for_names_and_none_for_values() {
    let mount = Scripted::mounted("", &["{folder: /x, dir: x}"]);
    mount.sim.set("x/B", value("b", 64));
    mount.sim.set("x/C", value("c", 64));
    let mut probe = mount.probe();
    assert_eq!(mount.sim.count(), 0, "mounting asks nothing");
    for _ in 0..3 {
        assert_eq!(probe.list(mount.file("x")), ["B", "C"]);
        probe.stat(mount.file("x/B"));
    }
    let ops: Vec<_> = mount
        .sim
        .requests()
        .iter()
        .map(|request| request.op)
        .collect();
    assert_eq!(ops, [secretfs_tests::scripted::Op::List]);
    assert_eq!(probe.slurp(mount.file("x/C")), Ok(value("c", 64)));
}
