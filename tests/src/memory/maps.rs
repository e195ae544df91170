//! The mappings of a process, from `/proc/PID/smaps`.

use std::ops::Range;

/// One mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its addresses.
    pub range: Range<u64>,
    /// `rw-p` and the like.
    pub permissions: String,
    /// The file, `[heap]` and the like, or nothing.
    pub name: String,
    /// Bytes in memory or in the swap.
    pub present: u64,
    /// It cannot be swapped: locked, or secret memory.
    pub locked: bool,
    /// It is left out of core dumps.
    pub undumpable: bool,
}

impl Mapping {
    /// `memfd_secret`, which nobody can read from outside.
    #[must_use]
    pub fn is_secretmem(&self) -> bool {
        self.name.contains("secretmem")
    }
}

/// Every mapping of a process.
///
/// # Errors
/// It is gone, or may not be looked at.
pub fn of(pid: u32) -> std::io::Result<Vec<Mapping>> {
    Ok(parse(&std::fs::read_to_string(format!(
        "/proc/{pid}/smaps"
    ))?))
}

fn parse(text: &str) -> Vec<Mapping> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        if let Some(mapping) = header(line) {
            mappings.push(mapping);
            continue;
        }
        let Some(mapping) = mappings.last_mut() else {
            continue;
        };
        let Some((field, rest)) = line.split_once(':') else {
            continue;
        };
        let mut words = rest.split_whitespace();
        match field {
            "Rss" | "Swap" => {
                let kib: u64 = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
                mapping.present += kib << 10;
            }
            "VmFlags" => {
                let flags: Vec<&str> = words.collect();
                mapping.locked = flags.contains(&"lo");
                mapping.undumpable = flags.contains(&"dd");
            }
            _ => {}
        }
    }
    mappings
}

/// `00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon`
fn header(line: &str) -> Option<Mapping> {
    let mut words = line.split_whitespace();
    let (low, high) = words.next()?.split_once('-')?;
    let low = u64::from_str_radix(low, 16).ok()?;
    let high = u64::from_str_radix(high, 16).ok()?;
    let permissions = words.next()?.to_owned();
    Some(Mapping {
        range: low..high,
        permissions,
        name: words.skip(3).collect::<Vec<_>>().join(" "),
        present: 0,
        locked: false,
        undumpable: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_read_with_its_flags() {
        let text = "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n\
                    Size:               2048 kB\nRss:                  12 kB\nSwap:                  4 kB\n\
                    VmFlags: rd wr mr mw me lo ac dd \n\
                    7f0000200000-7f0000600000 rw-s 00000000 00:0e 5 /secretmem (deleted)\n\
                    Rss:                4096 kB\nVmFlags: rd wr sh mr mw me ms dd dc \n";
        let mappings = parse(text);
        assert_eq!(mappings.len(), 2);
        assert_eq!(mappings[0].range, 0x7f00_0000_0000..0x7f00_0020_0000);
        assert_eq!(mappings[0].present, 16 << 10);
        assert!(mappings[0].locked && mappings[0].undumpable && !mappings[0].is_secretmem());
        assert!(mappings[1].is_secretmem() && mappings[1].undumpable && !mappings[1].locked);
    }

    #[test]
    fn this_process_has_a_stack_and_no_locked_memory() {
        let mappings = of(std::process::id()).unwrap();
        let stack = mappings.iter().find(|m| m.name == "[stack]").unwrap();
        assert!(stack.present > 0 && !stack.locked);
    }
}
