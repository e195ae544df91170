//! Tables in Markdown, ready for `docs/benchmarks.md`. Each row is printed as soon as it is known.

/// What a row of product.md promises.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// In words.
    pub words: &'a str,
    /// Whether it is reached.
    pub is_reached: bool,
}

/// A table.
#[derive(Debug)]
pub struct Table(());

impl Table {
    /// Prints what stands above, and the head.
    #[must_use]
    pub fn new(caption: &str, columns: &[&str]) -> Self {
        println!("\n{caption}\n");
        line(columns);
        println!("|{}", "---|".repeat(columns.len()));
        Self(())
    }

    /// The table of what product.md promises.
    #[must_use]
    pub fn promised(caption: &str) -> Self {
        Self::new(caption, &["work", "reach", "measured", "reached"])
    }

    /// A row.
    pub fn row<S: AsRef<str>>(&self, cells: &[S]) {
        line(cells);
    }

    /// A row that was promised.
    pub fn reach(&self, work: &str, reach: Reach<'_>, measured: &str) {
        let reached = if reach.is_reached { "yes" } else { "**no**" };
        line(&[work, reach.words, measured, reached]);
    }

    /// What stands beside it: a floor, a peer, a part of it.
    pub fn beside(&self, work: &str, measured: &str) {
        line(&[work, "", measured, ""]);
    }
}

fn line<S: AsRef<str>>(cells: &[S]) {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    println!("| {} |", cells.join(" | "));
}
