//! The problems of a map, each with its excerpt: drawn by miette below the line of every error.

use crate::output::{Paint, printable};
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
    ThemeCharacters, ThemeStyles,
};
use secretfs_fs::map::MapErrors;
use std::fmt;

/// All of it, with a final newline.
pub(crate) fn render(errors: &MapErrors, paint: Paint) -> String {
    let mut text = format!(
        "{} {}\n",
        paint.red("error:"),
        printable(&errors.to_string())
    );
    let handler = GraphicalReportHandler::new_themed(theme(paint))
        .with_width(80)
        .with_links(false);
    for problem in errors.related().into_iter().flatten() {
        let one = Problem {
            problem,
            source: errors.source_code(),
        };
        text.push('\n');
        // Writing to a String cannot fail.
        let _ = handler.render_report(&mut text, &one);
    }
    if errors.more > 0 {
        text.push_str(&format!("\n… and {} more\n", errors.more));
    }
    text
}

fn theme(paint: Paint) -> GraphicalTheme {
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
    GraphicalTheme {
        characters: if utf8 {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if paint.0 {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    }
}

/// A problem together with the text of its map.
struct Problem<'a> {
    problem: &'a dyn Diagnostic,
    source: Option<&'a dyn SourceCode>,
}

impl fmt::Debug for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.problem, f)
    }
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.problem.to_string()))
    }
}

impl std::error::Error for Problem<'_> {}

impl Diagnostic for Problem<'_> {
    fn severity(&self) -> Option<Severity> {
        self.problem.severity()
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help()
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.problem.labels()
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source
    }
}
