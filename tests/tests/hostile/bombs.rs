//! YAML bombs: a map comes with a repository. `check`, `mount` and a reload refuse one with a diagnostic, under
//! the memory-lock limit of 8 MiB, in bounded memory and time; a mount that runs keeps its map.

use super::scripted::Scripted;
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::{user, wait};
use std::time::Duration;

/// The most resident memory of a command that refuses a map, beside what the text itself takes several times: the
/// text, its lines, its marked tree. The largest is measured in `docs/reliability.md`.
const PEAK: u64 = 1 << 30;
/// The most of what is said.
const SAID: usize = 256 << 10;

/// A tenth of what the names of the bombs say, and all of it with `SECRETFS_LONG`.
fn bombs() -> Vec<(&'static str, String)> {
    let part = if std::env::var_os("SECRETFS_LONG").is_some() {
        1
    } else {
        10
    };
    let million = 1_000_000 / part;
    let large = (31 << 20) / part;
    let laughs: String = (1..30)
        .map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(9)))
        .collect();
    let no_provider: String = (0..1000)
        .map(|n| format!("- {{name: A, file: a{n}, provider: x{n}}}\n"))
        .collect();
    let no_provider = format!("secrets:\n{no_provider}");
    let providers: String = (0..1000)
        .map(|n| format!("  {}{n}: {{type: local}}\n", "x".repeat(40)))
        .collect();
    let many = |each: &dyn Fn(usize) -> String| (0..million).map(each).collect::<String>();
    vec![
        (
            "a billion laughs",
            format!("a0: &a0 lol\n{laughs}secrets: *a29\n"),
        ),
        (
            "a merge of itself",
            "secrets: &a\n- <<: *a\n  <<: *a\n".to_owned(),
        ),
        ("100,000 lists deep", "[".repeat(100_000)),
        ("100,000 maps deep", "{a: ".repeat(100_000)),
        ("100,000 block lists deep", "- ".repeat(100_000)),
        ("a million keys", many(&|n| format!("k{n}: x\n"))),
        (
            "a million keys of an entry",
            format!("secrets:\n- {{{}}}\n", many(&|n| format!("k{n}: x, "))),
        ),
        ("a million anchors", many(&|n| format!("- &a{n} x\n"))),
        (
            "a million entries that are none",
            format!("secrets:\n{}", many(&|_| "- {}\n".to_owned())),
        ),
        (
            "a million files of one name",
            format!(
                "secrets:\n{}",
                many(&|_| "- {name: A, file: a}\n".to_owned())
            ),
        ),
        (
            "a scalar of 31 MiB",
            format!("secrets:\n- {{name: A, file: \"{}\"}}\n", "x".repeat(large)),
        ),
        ("a key of 31 MiB", format!("{}: x\n", "x".repeat(large))),
        (
            "a block scalar of 31 MiB",
            format!("secrets: |\n  {}\n", "x".repeat(large)),
        ),
        ("31 MiB of line ends", "\n".repeat(large)),
        ("31 MiB of comments", "#\n".repeat(large / 2)),
        ("a million documents", "---\n".repeat(million)),
        ("a million tags", "!t ".repeat(million)),
        ("33 MiB", "#".repeat(33 << 20)),
        (
            "a hundred mistakes behind 31 MiB",
            format!(
                "{}secrets:\n{}",
                "# 456789\n".repeat(large / 9),
                "- {nmae: A, file: a}\n".repeat(100)
            ),
        ),
        (
            "providers with names of 1 MiB",
            format!(
                "providers:\n{}{no_provider}",
                (0..20)
                    .map(|n| format!(
                        "  ? \"{n}{}\"\n  : {{type: local}}\n",
                        "x".repeat(large / 31)
                    ))
                    .collect::<String>()
            ),
        ),
        (
            "a quarter of a million names of no provider beside a thousand",
            format!(
                "providers:\n{}secrets:\n{}",
                providers,
                (0..million / 4)
                    .map(|n| format!("- {{name: A, file: a, provider: {}{n}}}\n", "y".repeat(40)))
                    .collect::<String>()
            ),
        ),
        (
            "a quarter of a million entries without a provider beside a thousand",
            format!(
                "providers:\n{}secrets:\n{}",
                providers,
                "- {name: A, file: a}\n".repeat(million / 4)
            ),
        ),
        (
            "a number without an end",
            format!("config: {{ttl: {}}}\nsecrets: []\n", "9".repeat(1 << 20)),
        ),
    ]
}

/// Runs `secretfs` below a program that tells what it took: status, peak in KiB, milliseconds.
fn measured(fixture: &Fixture, args: &[&str]) -> (i32, u64, u64, String) {
    const MEASURE: &str = "import resource, subprocess, sys, time\n\
        t = time.monotonic()\n\
        p = subprocess.run(sys.argv[1:], capture_output=True)\n\
        took = int((time.monotonic() - t) * 1000)\n\
        print(p.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, took)\n\
        sys.stderr.buffer.write(p.stdout + p.stderr)\n";
    let secretfs = fixture.secretfs(args);
    // As whoever runs the tests: what it starts becomes the user by itself.
    let mut command = std::process::Command::new("/usr/bin/python3");
    command.args(["-c", MEASURE]).current_dir("/");
    user::start_by(&mut command, &secretfs);
    let output = command.output().expect("python3");
    let told = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<u64> = told
        .split_whitespace()
        .map(|n| n.parse().expect("a number"))
        .collect();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        i32::try_from(numbers[0]).expect("a status"),
        numbers[1] << 10,
        numbers[2],
        said,
    )
}

#[test]
fn a_yaml_bomb_is_refused_with_a_diagnostic_in_bounded_memory_and_time() {
    let fixture = Fixture::new();
    for (name, text) in bombs() {
        fixture.write_map(&text);
        let (status, peak, took, said) = measured(&fixture, &["check"]);
        println!(
            "{name}: {} bytes, status {status}, {} MiB, {took} ms, says {} bytes",
            text.len(),
            peak >> 20,
            said.len()
        );
        assert_eq!(status, 3, "{name}: {said:.2000}");
        assert!(
            said.contains("secrets.yml") && said.contains("help:"),
            "{name}: {said:.2000}"
        );
        assert!(said.len() < SAID, "{name}: says {} bytes", said.len());
        assert!(peak < PEAK, "{name}: {} MiB", peak >> 20);
        // Ten times what the slowest takes where nothing else runs, unoptimised.
        assert!(took < 60_000, "{name}: {took} ms");
    }
}

#[test]
fn a_yaml_bomb_is_not_mounted_and_a_mount_that_runs_keeps_its_map() {
    let small = |name: &&(&str, String)| !name.1.contains("million") && name.1.len() < 1 << 20;
    let fixture = Fixture::new();
    let all = bombs();
    for (name, text) in all.iter().filter(small) {
        fixture.write_map(text);
        let said = fixture.fails(3, fixture.mount_args());
        assert!(said.contains("help:"), "{name}: {said:.2000}");
    }
    assert!(!fixture.is_mounted());
    fixture.wait_for_no_process();

    let mount = Scripted::with_value(value("a", 64));
    mount.sim.set("B", value("b", 64));
    for (name, text) in all.iter().filter(|(name, _)| {
        ["a billion laughs", "a million keys", "100,000 maps deep"].contains(name)
    }) {
        mount.write_map(text);
        // The helper reads it, says so, and goes on.
        wait::within(Duration::from_secs(60), name, || {
            mount.run(["status"]).contains("secrets.yml:").then_some(())
        });
        assert_eq!(
            mount.read("a"),
            Ok(value("a", 64)),
            "{name}: the last good map serves on"
        );
        mount.set_map("", &["{name: A, file: a}"]);
        wait::within(Duration::from_secs(60), name, || {
            (!mount.run(["status"]).contains("secrets.yml:")).then_some(())
        });
    }
}
