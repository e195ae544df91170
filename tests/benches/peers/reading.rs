//! One file of 3 KiB, opened, measured, read and closed.

use secretfs_tests::bench::peers;
use secretfs_tests::bench::rig::{one_secret, opens};
use secretfs_tests::bench::{Samples, Table, turns};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

const ROUNDS: usize = 51;
const OPENS: u32 = 300;

pub(crate) fn run() {
    let table = Table::new(
        "open+fstat+read+close of a cached 3 KiB file:",
        &["file system", "time", "secretfs over it"],
    );
    let fixture = one_secret();
    fixture.mount();
    let constfs = peers::constfs(&fixture);
    let rclone = peers::rclone(&fixture);
    let gocryptfs = peers::gocryptfs(&fixture);
    let tmpfs = peers::tmpfs();
    let file = |peer: &peers::Peer| match peer {
        Ok(peer) => Ok(peer.file()),
        Err(why) => Err(why.clone()),
    };
    let peers = [
        ("constfs: C, libfuse3, direct I/O", file(&constfs)),
        (
            "`rclone mount` of a local folder, page cache",
            file(&rclone),
        ),
        ("`gocryptfs`, page cache", file(&gocryptfs)),
        (
            "a file on tmpfs",
            tmpfs
                .as_ref()
                .map(|f| f.path().to_owned())
                .map_err(Clone::clone),
        ),
    ];
    let probe = RefCell::new(fixture.probe());
    let turn = |file: PathBuf| -> turns::Turn<'_> {
        let probe = &probe;
        Box::new(move |_| opens(&mut probe.borrow_mut(), Path::new(&file), OPENS))
    };
    let mut all = vec![turn(fixture.file("secret"))];
    all.extend(
        peers
            .iter()
            .filter_map(|(_, file)| file.clone().ok())
            .map(turn),
    );
    let mut taken = turns::take(ROUNDS, all).into_iter();
    let ours: Samples = taken.next().expect("ours");
    table.row(&["secretfs, direct I/O", &ours.times(), ""]);
    for (name, file) in &peers {
        match file {
            Ok(_) => {
                let theirs = taken.next().expect("theirs");
                table.row(&[
                    *name,
                    &theirs.times(),
                    &format!("{} ×", ours.over(&theirs).ratios()),
                ]);
            }
            Err(why) => table.row(&[*name, why, ""]),
        }
    }
}
