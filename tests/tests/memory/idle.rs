//! Between requests.

use crate::world::World;
use secretfs_tests::memory::marker::Pattern;
use secretfs_tests::memory::scan::Report;
use secretfs_tests::wait;

#[test]
fn what_was_fetched_lies_in_no_memory_that_can_be_swapped_or_dumped() {
    for world in World::each("") {
        world.read_all();
        let mut scanner = world.scanner();
        let report = scanner.look(&world.pids(), &world.secrets());
        assert!(report.exposed().is_empty(), "{report:#?}");
        // The values themselves: in memory that root cannot read either.
        assert!(report.unreadable >= 1 << 20, "{}", report.unreadable);
    }
}

#[test]
fn at_rest_nobody_can_read_a_value_or_a_credential_anywhere() {
    for world in World::each("") {
        world.read_all();
        let mut scanner = world.scanner();
        let secrets = world.secrets();
        wait::until("no copy is left", || {
            let report = scanner.look(&world.pids(), &secrets);
            report.findings.is_empty().then_some(())
        });
        // Still served, so it is not that they are gone.
        let asked = world.server().map(|server| server.total());
        world.read_all();
        assert_eq!(world.server().map(|server| server.total()), asked);
    }
}

#[test]
fn the_scanner_finds_every_value_of_a_program_that_keeps_it_in_ordinary_memory() {
    let world = World::behind_a_vault("");
    world.mount();
    let naive = world.naive();
    let mut scanner = world.scanner();
    for pattern in plain(&world.values()) {
        let report: Report = scanner.look(&[naive.pid()], std::slice::from_ref(&pattern));
        assert!(!report.exposed().is_empty(), "{}", pattern.name);
    }
}

/// The patterns of values as they are.
fn plain(patterns: &[Pattern]) -> Vec<Pattern> {
    let plain: Vec<_> = patterns
        .iter()
        .filter(|pattern| pattern.name.ends_with("as it is"))
        .cloned()
        .collect();
    assert_eq!(plain.len(), 4);
    plain
}
