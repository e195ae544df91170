//! `secretfs check`: whether the map is good, and with `--online` whether its secrets are there.

mod ask;
mod online;

pub(crate) use ask::{status, status_of, worse};

use crate::args::CheckArgs;
use crate::error::CliError;
use crate::map::Map;
use crate::output::{print, show};

/// Runs the command.
pub(crate) fn run(args: &CheckArgs) -> Result<(), CliError> {
    let map = Map::find(args.map.map.as_deref())?;
    let count =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let told = format!(
        "{}: {}, {}\n",
        show(&map.path),
        count(map.entries().len(), "entry", "entries"),
        count(map.providers().len(), "provider", "providers"),
    );
    print(told)?;
    if args.online {
        return online::run(&map, args.passphrase.passphrase_file.as_deref());
    }
    Ok(())
}
