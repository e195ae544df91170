//! Finds patterns in the memory of a process: in every mapping that root can read, page cache
//! mappings and stacks included. Registers of stopped threads are not memory.

use super::maps::{self, Mapping};
use super::marker::Pattern;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// How much is read at once.
const CHUNK: usize = 1 << 20;
const PAGE: usize = 4096;

/// Copies of one pattern in one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Of which process.
    pub pid: u32,
    /// Where: permissions, name and addresses.
    pub mapping: String,
    /// Whose, in which form.
    pub pattern: String,
    /// How many.
    pub copies: usize,
    /// The mapping cannot be swapped and is left out of core dumps.
    pub protected: bool,
}

/// What was found, and how much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Copies.
    pub findings: Vec<Finding>,
    /// Bytes that were read.
    pub read: u64,
    /// Bytes that nobody can read: secret memory.
    pub unreadable: u64,
}

impl Report {
    /// Copies in memory that may be swapped or dumped.
    #[must_use]
    pub fn exposed(&self) -> Vec<&Finding> {
        self.findings
            .iter()
            .filter(|found| !found.protected)
            .collect()
    }

    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.read += other.read;
        self.unreadable += other.unreadable;
    }
}

/// Looks at a process.
///
/// # Errors
/// It is gone, or may not be looked at.
pub fn process(pid: u32, patterns: &[Pattern]) -> std::io::Result<Report> {
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut report = Report::default();
    for mapping in maps::of(pid)? {
        // Where nothing is present there is nothing to find, and looking would make it present.
        if mapping.present > 0 && mapping.name != "[vsyscall]" {
            report.add(scan(pid, &memory, &mapping, patterns));
        }
    }
    Ok(report)
}

fn scan(pid: u32, memory: &File, mapping: &Mapping, patterns: &[Pattern]) -> Report {
    let finders: Vec<Finder<'_>> = patterns.iter().map(|p| Finder::new(&p.bytes)).collect();
    let longest = patterns.iter().map(|p| p.bytes.len()).max().unwrap_or(1);
    let mut copies = vec![0; patterns.len()];
    let mut report = Report::default();
    let mut buffer = vec![0; CHUNK];
    // What stood before a chunk, so that a copy across its start is found, once.
    let mut tail: Vec<u8> = Vec::new();
    let mut at = mapping.range.start;
    while at < mapping.range.end {
        let left = usize::try_from(mapping.range.end - at).unwrap_or(CHUNK);
        let mut step = left.min(CHUNK);
        let read = match memory.read_at(&mut buffer[..step], at) {
            Ok(0) | Err(_) => {
                // One page may be unreadable among others.
                step = left.min(PAGE);
                memory.read_at(&mut buffer[..step], at).unwrap_or(0)
            }
            Ok(read) => read,
        };
        if read == 0 {
            report.unreadable += step as u64;
            tail.clear();
            at += step as u64;
            continue;
        }
        let old = tail.len();
        tail.extend_from_slice(&buffer[..read]);
        for (finder, count) in finders.iter().zip(&mut copies) {
            let new = |end: usize| end > old;
            *count += finder
                .find_iter(&tail)
                .filter(|start| new(start + finder.needle().len()))
                .count();
        }
        tail.drain(..tail.len().saturating_sub(longest - 1));
        report.read += read as u64;
        at += read as u64;
    }
    for (pattern, copies) in patterns.iter().zip(copies) {
        if copies > 0 {
            report.findings.push(Finding {
                pid,
                mapping: format!(
                    "{} {:?} {:x}-{:x}",
                    mapping.permissions, mapping.name, mapping.range.start, mapping.range.end
                ),
                pattern: pattern.name.clone(),
                copies,
                protected: mapping.locked && mapping.undumpable,
            });
        }
    }
    report
}

/// Counts the copies of any pattern in a stream: a core file, a swap area.
///
/// # Errors
/// It cannot be read.
pub fn stream(mut from: impl std::io::Read, patterns: &[Pattern]) -> std::io::Result<usize> {
    let longest = patterns.iter().map(|p| p.bytes.len()).max().unwrap_or(1);
    let mut buffer = vec![0; CHUNK];
    let mut tail: Vec<u8> = Vec::new();
    let mut copies = 0;
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(copies);
        }
        let old = tail.len();
        tail.extend_from_slice(&buffer[..read]);
        for pattern in patterns {
            let finder = Finder::new(&pattern.bytes);
            let ends = finder.find_iter(&tail).map(|at| at + pattern.bytes.len());
            copies += ends.filter(|end| *end > old).count();
        }
        tail.drain(..tail.len().saturating_sub(longest - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::marker::Marker;

    #[test]
    fn copies_in_this_process_are_found_and_counted() {
        let marker = Marker::new("own");
        let value = marker.value(18 * 50_000);
        let patterns: Vec<_> = marker.patterns();
        // Each of these holds a copy, too: of itself.
        let before: usize = total(&patterns);
        let again = value.clone();
        let after = total(&patterns);
        assert!(after - before >= 50_000, "{before} {after}");
        assert_eq!(value, again);
    }

    fn total(patterns: &[Pattern]) -> usize {
        let report = process(std::process::id(), patterns).unwrap();
        assert!(report.read > 1 << 20);
        assert_eq!(report.exposed().len(), report.findings.len());
        report.findings.iter().map(|found| found.copies).sum()
    }

    #[test]
    fn copies_across_the_chunks_of_a_stream_are_counted_once() {
        let marker = Marker::new("s");
        let mut text = vec![b' '; CHUNK - 7];
        text.extend(marker.core().as_bytes());
        text.extend(vec![b' '; 100]);
        text.extend(marker.core().as_bytes());
        assert_eq!(stream(&text[..], &marker.patterns()).unwrap(), 2);
        assert_eq!(stream(&text[..CHUNK], &marker.patterns()).unwrap(), 0);
    }
}
