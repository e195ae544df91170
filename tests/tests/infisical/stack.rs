//! The calls run on locked stacks, which are small.

use super::rig::*;
use secretfs_tests::infisical::Generation;

#[test]
fn every_call_fits_on_three_quarters_of_the_runtimes_stack_in_a_debug_build_too() {
    let rig = Rig::new(Generation::V3Only, |sim| {
        sim.secret("/a", "A", "1")
            .secret("/a", "B", "${dev.b.X}")
            .secret("/b", "X", "x")
            .folder("/empty")
    });
    on_stack(384 << 10, move || {
        assert_eq!(rig.read("/a", "A"), Ok("1".into()));
        rig.read("/a", &"N".repeat(101)).unwrap_err();
        let got = rig.read_many("/a", &["A", "B"]).unwrap();
        assert_eq!(got, [Got::value("1"), Got::value("x")]);
        rig.sim.delete_folder("/b");
        rig.folder("/a").unwrap_err();
        rig.names("/empty").unwrap();
        let answers = rig.check(&[("/a", "A"), ("/a", "B"), ("/a", "C"), ("/c/d", "A")]);
        let good: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, false, false]);
        rig.check_folder("/a", true).unwrap();
    });
}
