//! From a map of TazPod, which is one of ours already: kept as it is, with the line that editors check it by,
//! once it was found to be good.

use super::entry::{SCHEMA, counted};
use crate::args::InitTazpodArgs;
use crate::error::CliError;
use crate::map::Map;
use std::fs::File;
use std::io::Read;

/// Longer than any that a person wrote.
const LONGEST: u64 = 4 << 20;

/// Runs the command.
pub(super) fn run(args: &InitTazpodArgs) -> Result<(), CliError> {
    super::may_write(&args.output)?;
    let failed = |why: &dyn std::fmt::Display| super::cannot_read(&args.from, why);
    let mut text = String::new();
    let open = File::open(&args.from).map_err(|error| failed(&error))?;
    let read = open.take(LONGEST + 1).read_to_string(&mut text);
    if read.map_err(|error| failed(&error))? as u64 > LONGEST {
        return Err(failed(&"it is too long for a map"));
    }
    let text = with_schema(&text);
    let map = Map::of_text(&text, &super::place(&args.output))?;
    let count = counted(map.entries().len());
    super::write(
        &args.output,
        &text,
        &format!("{count}; `secretfs check --online`, then `secretfs mount`"),
    )
}

/// Whoever has such a line already keeps it.
fn with_schema(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_comment = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let mut head = text.lines().take_while(is_comment);
    match head.any(|line| line.contains("yaml-language-server:")) {
        true => text.to_owned(),
        false => format!("{SCHEMA}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    #[test]
    fn the_line_is_put_before_what_is_kept_byte_for_byte_and_only_once() {
        let text =
            "# ours\nconfig: {infisical_project_id: p}\r\nsecrets:\n- {name: A, file: a} # x\n";
        let once = with_schema(text);
        assert_eq!(once, format!("{SCHEMA}{text}"));
        assert_eq!(with_schema(&once), once);
        assert_eq!(with_schema(&format!("\u{feff}{text}")), once);
    }

    proptest! {
        #[test]
        fn a_map_means_the_same_with_the_line(text in "(%YAML 1.2\n---\n)?secrets:\n(- \\{name: [A-Z]{1,2}, file: [a-z]{1,2}\\}\n){0,3}(\\PC{0,5}\n)?") {
            let path = Path::new("/home/u/secrets.yml");
            let before = secretfs_fs::map::parse(&text, path, None);
            let after = secretfs_fs::map::parse(&with_schema(&text), path, None);
            match (before, after) {
                (Ok(before), Ok(after)) => prop_assert_eq!(before.entries(), after.entries()),
                (before, after) => prop_assert_eq!(before.is_ok(), after.is_ok()),
            }
        }
    }
}
