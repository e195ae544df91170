//! A cached secret, beside the least that a file system in C can do.

use secretfs_tests::bench::peers;
use secretfs_tests::bench::rig::{one_secret, opens};
use secretfs_tests::bench::{Reach, Table, turns};
use std::cell::RefCell;

const ROUNDS: usize = 101;
const OPENS: u32 = 500;

pub(crate) fn run() {
    let table = Table::promised("A cached secret:");
    let fixture = one_secret();
    fixture.mount();
    let constfs = match peers::constfs(&fixture) {
        Ok(constfs) => constfs,
        Err(why) => return table.beside("constfs", &why),
    };
    let probe = RefCell::new(fixture.probe());
    let time = |file: std::path::PathBuf| -> turns::Turn<'_> {
        let probe = &probe;
        Box::new(move |_| opens(&mut probe.borrow_mut(), &file, OPENS))
    };
    let taken = turns::take(
        ROUNDS,
        vec![time(fixture.file("secret")), time(constfs.file())],
    );
    let ratio = taken[0].over(&taken[1]);
    table.reach(
        "open+fstat+read+close of a cached 3 KiB secret, over constfs",
        Reach {
            words: "1.0 ×",
            is_reached: ratio.median() <= 1.0,
        },
        &format!("{} ×", ratio.ratios()),
    );
    table.beside("secretfs", &taken[0].times());
    table.beside("constfs (C, libfuse3, direct I/O)", &taken[1].times());
}
