//! What is shipped has no way in for tests.

use memchr::memmem::find;
use secretfs_tests::place;

/// Texts of what only the feature `test-hooks` compiles.
const HOOKS: [&str; 3] = ["AdvanceClock", "clone a process", "ConnectScripted"];

#[test]
fn the_shipped_executable_has_no_test_hooks() {
    let shipped = std::fs::read(place::shipped()).expect("the shipped executable");
    let with_hooks = std::fs::read(place::shipped_with_hooks()).expect("the one with hooks");
    for hook in HOOKS {
        assert!(find(&shipped, hook.as_bytes()).is_none(), "{hook}");
        // The control: where the feature is on, they are found.
        assert!(find(&with_hooks, hook.as_bytes()).is_some(), "{hook}");
    }
    // And it is the executable that we think it is.
    assert!(find(&shipped, b"internal-daemon").is_some());
}
