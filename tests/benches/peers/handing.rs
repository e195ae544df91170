//! One secret into one process: through a file, into its environment, by tools that do so.

use secretfs_tests::bench::peers::tools;
use secretfs_tests::bench::rig::{launch, secretfs};
use secretfs_tests::bench::{Table, rig, turns};
use secretfs_tests::fixture::{Fixture, value};
use secretfs_tests::probe::Probe;
use secretfs_tests::script::Step;
use std::cell::RefCell;
use std::path::Path;

const ROUNDS: usize = 31;

/// A command, and the probe that starts it where its configuration is.
struct Way {
    name: &'static str,
    args: Result<Vec<String>, String>,
    probe: RefCell<Probe>,
}

pub(crate) fn run() {
    let table = Table::new(
        "One secret of 32 bytes into a process that does nothing with it, from the start to its end:",
        &["way", "time"],
    );
    let mut fixture = rig::vault(&[("secret", value("bench", 32))], 0);
    fixture.give_passphrase();
    let fnox = tools::fnox(&mut fixture);
    let secretspec = tools::secretspec(&fixture);
    fixture.mount();
    let file = fixture.file("secret");
    let file = file.to_str().expect("UTF-8");
    let root = fixture.path("");
    let way = |name, args: &[&str]| Way {
        name,
        args: Ok(args.iter().map(|arg| (*arg).to_owned()).collect()),
        probe: RefCell::new(in_folder(&fixture, &root)),
    };
    let own = |name, args: &[&str]| Way {
        args: Ok(secretfs(&fixture, args)),
        ..way(name, &[])
    };
    let tool = |name, tool: Result<tools::Tool, String>| match tool {
        Ok(tool) => Way {
            name,
            args: Ok([tool.args, vec!["true".to_owned()]].concat()),
            probe: RefCell::new(in_folder(&fixture, &tool.folder)),
        },
        Err(why) => Way {
            args: Err(why),
            ..way(name, &[])
        },
    };
    let ways = [
        way("`sh -c :`", &["sh", "-c", ":"]),
        way("`cat` of nothing", &["cat", "/dev/null"]),
        way("`cat` of a mounted secret", &["cat", file]),
        own(
            "`secretfs run --inject -- true`, local vault",
            &["run", "--inject", "--", "true"],
        ),
        own(
            "`secretfs run -- true`, with a mount of its own",
            &["run", "--", "true"],
        ),
        tool("`secretspec run -- true`, `.env` in the clear", secretspec),
        tool("`fnox exec -- true`, age", fnox),
    ];
    let turns: Vec<turns::Turn<'_>> = ways
        .iter()
        .filter_map(|way| {
            let args = way.args.clone().ok()?;
            let probe = &way.probe;
            let turn: turns::Turn<'_> = Box::new(move |_| launch(&mut probe.borrow_mut(), &args));
            Some(turn)
        })
        .collect();
    let mut taken = turns::take(ROUNDS, turns).into_iter();
    for way in &ways {
        match &way.args {
            Ok(_) => table.row(&[way.name, &taken.next().expect("taken").times()]),
            Err(why) => table.row(&[way.name, why]),
        }
    }
}

fn in_folder(fixture: &Fixture, folder: &Path) -> Probe {
    let mut probe = fixture.probe();
    probe.run(&Step::Enter {
        path: folder.to_str().expect("UTF-8").to_owned(),
    });
    probe
}
