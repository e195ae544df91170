//! What the benches share. A bench is a program of parts; a part asks secretfs and its peers in turns, in
//! one run, so that a busy machine is busy for all of them, and prints tables of `docs/benchmarks.md`.
//!
//! | room | what it does |
//! |---|---|
//! | [`samples`] | medians, spreads, ratios, and how they are written |
//! | [`table`] | Markdown, and whether what was promised is reached |
//! | [`turns`] | one after the other, round by round |
//! | [`rig`] | mounts of a local vault, and of an Infisical that is far away |
//! | [`bare`] | one HTTPS request, and nothing else |
//! | [`peers`] | other file systems that serve the same file |
//! | [`memory`] | what a process holds |
//! | [`shipped`] | the executable that is measured |

pub mod bare;
pub mod memory;
pub mod peers;
pub mod rig;
pub mod samples;
pub mod shipped;
pub mod table;
pub mod turns;

pub use samples::Samples;
pub use table::{Reach, Table};

/// One part of a bench, by its name.
pub type Part = (&'static str, fn());

/// The `main` of a bench. An argument names the parts to run: those whose name contains it.
///
/// # Panics
/// No part has that name in its own, in the only bench that was asked.
pub fn main(bench: &str, parts: &[Part]) {
    let mut args = std::env::args().skip(1);
    // `cargo test --benches` only wants to know that this builds.
    if !args.any(|arg| arg == "--bench") {
        return;
    }
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let is_wanted = |name: &str| {
        let filter = filter.as_deref().unwrap_or_default();
        format!("{bench}/{name}").contains(filter)
    };
    let wanted: Vec<_> = parts.iter().filter(|(name, _)| is_wanted(name)).collect();
    if wanted.is_empty() {
        return;
    }
    shipped::build();
    println!("<!-- {bench}: {} -->", machine());
    for (_, part) in wanted {
        part();
    }
    println!("<!-- {bench}: {} -->\n", machine());
}

/// The machine in general terms, and how busy it is.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let kernel = kernel.split('-').next().unwrap_or_default().trim();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores, Linux {kernel}, load {load}")
}
