//! Fits what is said of all mounts into so many lines. What is as it should be goes first: details,
//! then files that have not failed, with a line that says how many there are.

use super::super::table::Block;
use crate::screen::{Line, Style};

/// At most `height` lines.
pub(super) fn fit(mut blocks: Vec<Block>, height: usize) -> Vec<Line> {
    if lines_of(&blocks) > height {
        for block in &mut blocks {
            block.head.retain(|said| !said.detail);
        }
    }
    let over = lines_of(&blocks).saturating_sub(height);
    if over > 0 {
        cut_files(&mut blocks, height);
    }
    let mut lines = Vec::new();
    for block in blocks {
        if !lines.is_empty() {
            lines.push(Line::empty());
        }
        lines.extend(block.lines());
    }
    if lines.len() > height {
        let more = lines.len() - height.saturating_sub(1);
        lines.truncate(height.saturating_sub(1));
        if height > 0 {
            lines.push(more_line(
                "",
                &format!("{more} more {}", many("line", more)),
            ));
        }
    }
    lines
}

/// The lines of all blocks, with one between two of them.
fn lines_of(blocks: &[Block]) -> usize {
    let all: usize = blocks
        .iter()
        .map(|block| block.head.len() + files_of(block))
        .sum();
    all + blocks.len().saturating_sub(1)
}

fn files_of(block: &Block) -> usize {
    block.files.iter().map(|file| file.lines.len()).sum()
}

/// Gives each list of files an equal share of the lines that are left, and what short lists do not
/// need to the long ones.
fn cut_files(blocks: &mut [Block], height: usize) {
    let files: usize = blocks.iter().map(files_of).sum();
    let mut left = height.saturating_sub(lines_of(blocks) - files);
    let mut by_length: Vec<&mut Block> = blocks
        .iter_mut()
        .filter(|block| !block.files.is_empty())
        .collect();
    by_length.sort_by_key(|block| files_of(block));
    let mut lists = by_length.len();
    for block in by_length {
        let share = left / lists.max(1);
        cut(block, share);
        left = left.saturating_sub(files_of(block));
        lists = lists.saturating_sub(1);
    }
}

/// Keeps the files of one mount in so many lines; those that failed before others, and without why if
/// there is no room for that.
fn cut(block: &mut Block, share: usize) {
    if files_of(block) <= share {
        return;
    }
    // One is for what is left out.
    let mut left = share.saturating_sub(1);
    let mut keep: Vec<usize> = Vec::new();
    for failed in [true, false] {
        for (i, file) in block.files.iter_mut().enumerate() {
            if file.failed != failed || left == 0 {
                continue;
            }
            if failed {
                file.lines.truncate(left);
            }
            if file.lines.len() <= left {
                left -= file.lines.len();
                keep.push(i);
            }
        }
    }
    let mut i = 0;
    let (mut more, mut failed) = (0, 0);
    block.files.retain(|file| {
        let kept = keep.contains(&i);
        i += 1;
        if !kept {
            more += 1;
            failed += usize::from(file.failed);
        }
        kept
    });
    let text = format!("{more} more {}", many("file", more));
    let mut line = more_line("  ", &text);
    if failed > 0 {
        line = line.with(Style::Plain, ", ");
        line = line.with(Style::Bad, &format!("{failed} of them failed"));
    }
    block.files.push(super::super::table::File {
        lines: vec![line],
        failed: false,
    });
}

fn more_line(indent: &str, text: &str) -> Line {
    Line::plain(indent).with(Style::Dim, &format!("… {text}"))
}

pub(super) fn many(what: &str, count: usize) -> String {
    format!("{what}{}", if count == 1 { "" } else { "s" })
}
