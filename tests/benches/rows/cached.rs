//! A cached secret, beside the least that a file system in C can do.
//!
//! What it takes is mostly the waking of threads, and so depends on where the scheduler puts them: on one
//! processor after a rest, on two when it goes on for more than a moment. So it is measured in three ways,
//! and each stands in the table.

use secretfs_tests::bench::peers;
use secretfs_tests::bench::rig::{one_secret, opens};
use secretfs_tests::bench::{Reach, Table, turns};
use std::cell::RefCell;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// A way of asking.
struct Manner {
    words: &'static str,
    rounds: usize,
    /// Opens in one turn, one after the other.
    opens: u32,
    /// Nothing is asked for so long before each turn: what one turn did to the scheduler is not in the
    /// next one's figure.
    rest: Duration,
}

const MANNERS: [Manner; 3] = [
    Manner {
        words: "500 of them after a rest",
        rounds: 51,
        opens: 500,
        rest: Duration::from_millis(200),
    },
    Manner {
        words: "10,000 of them after a rest",
        rounds: 11,
        opens: 10_000,
        rest: Duration::from_millis(200),
    },
    Manner {
        words: "500 by turns, without a rest",
        rounds: 101,
        opens: 500,
        rest: Duration::ZERO,
    },
];

pub(crate) fn run() {
    let table = Table::promised("open+fstat+read+close of a cached 3 KiB secret:");
    let fixture = one_secret();
    fixture.mount();
    let constfs = match peers::constfs(&fixture) {
        Ok(constfs) => constfs,
        Err(why) => return table.beside("constfs", &why),
    };
    let probe = RefCell::new(fixture.probe());
    for manner in MANNERS {
        let time = |file: PathBuf| -> turns::Turn<'_> {
            let probe = &probe;
            Box::new(move |_| {
                sleep(manner.rest);
                opens(&mut probe.borrow_mut(), &file, manner.opens)
            })
        };
        let taken = turns::take(
            manner.rounds,
            vec![time(fixture.file("secret")), time(constfs.file())],
        );
        let ratio = taken[0].over(&taken[1]);
        table.reach(
            &format!("{}, over constfs", manner.words),
            Reach {
                words: "1.0 ×",
                is_reached: ratio.median() <= 1.0,
            },
            &format!("{} ×", ratio.ratios()),
        );
        table.beside("secretfs", &taken[0].times());
        table.beside("constfs (C, libfuse3, direct I/O)", &taken[1].times());
    }
}
