//! The problems of a map, each with its excerpt: drawn by miette below the line of every error.

use crate::output::{Paint, printable};
use crate::screen::Look;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
    ThemeCharacters, ThemeStyles,
};
use secretfs_fs::map::{self, MapErrors};
use std::fmt;
use std::path::Path;

/// The columns of an excerpt and what is said of it.
const WIDTH: usize = 80;

/// The most bytes of an excerpt. A line may be as long as a map.
const EXCERPT: usize = 4 << 10;

/// All of it, with a final newline.
pub(crate) fn render(errors: &MapErrors, look: Look) -> String {
    let paint = look.paint;
    if let [only] = errors.problems.as_slice()
        && only.line.is_none()
    {
        return of_file(&errors.file, only, look);
    }
    let mut text = format!(
        "{} {}\n",
        paint.red("error:"),
        printable(&errors.to_string())
    );
    let handler = GraphicalReportHandler::new_themed(theme(paint))
        .with_width(look.width.unwrap_or(WIDTH).min(WIDTH))
        .with_links(false);
    for (problem, known) in errors.related().into_iter().flatten().zip(&errors.problems) {
        let around = errors
            .source_code()
            .and_then(|source| Some((source, lines_around(problem, source)?)));
        let one = Problem {
            problem,
            source: around.map(|(source, _)| source),
        };
        text.push('\n');
        let handler = handler
            .clone()
            .with_context_lines(around.map_or(0, |(_, lines)| lines));
        // Writing to a String cannot fail.
        let _ = handler.render_report(&mut text, &one);
        if around.is_none()
            && let Some(line) = known.line
        {
            text.push_str(&format!(
                "  in line {line}, which is too long to be shown\n"
            ));
        }
    }
    if errors.more > 0 {
        text.push_str(&format!("\n… and {} more\n", errors.more));
    }
    text
}

/// How many lines around the place of a problem can be shown with it; `None`: not even its own.
fn lines_around(problem: &dyn Diagnostic, source: &dyn SourceCode) -> Option<usize> {
    let labels: Vec<_> = problem.labels()?.collect();
    if labels.is_empty() {
        return None;
    }
    [1, 0].into_iter().find(|lines| {
        labels.iter().all(|label| {
            let excerpt = source.read_span(label.inner(), *lines, *lines);
            excerpt.is_ok_and(|excerpt| excerpt.data().len() <= EXCERPT)
        })
    })
}

/// A problem of the file itself has no excerpt: the two lines of every error.
fn of_file(file: &str, problem: &map::Problem, look: Look) -> String {
    let message = if Path::new(file).is_absolute() {
        format!("the map {} {problem}", crate::output::show(Path::new(file)))
    } else {
        // There is no file: none was found.
        problem.to_string()
    };
    let help = problem.help.as_deref().unwrap_or_default();
    crate::output::lines("error:", &message, help, look)
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

#[cfg(test)]
mod tests {
    use super::*;
    use secretfs_fs::map::{Defaults, World, discover, load};

    fn world(folder: &Path) -> World {
        World {
            folder: folder.to_owned(),
            home: Some(folder.to_owned()),
            map: None,
            config_home: None,
            uid: rustix::process::geteuid().as_raw(),
            defaults: Defaults::default(),
        }
    }

    #[test]
    fn a_map_that_is_not_there_is_told_in_two_lines() {
        let world = world(Path::new("/nowhere"));
        let none = discover(None, &world, |_| false).expect_err("none");
        assert_eq!(
            render(&none, Look::PLAIN),
            "error: there is no map in /nowhere or above it\n\
             help: write one, or name one with `--map`\n"
        );
        let unreadable = load(Path::new("/nowhere/secrets.yml"), &world).expect_err("none");
        let text = render(&unreadable, Look::PLAIN);
        assert!(
            text.starts_with("error: the map /nowhere/secrets.yml cannot be read: "),
            "{text}"
        );
        assert!(text.contains("\nhelp: "), "{text}");
    }

    #[test]
    fn every_problem_of_a_map_is_drawn_with_its_place_and_its_help() {
        let text = "secrets:\n  - {nmae: A, file: a}\n  - {name: B, file: ../b}\n";
        let path = Path::new("/home/u/secrets.yml");
        let errors = map::parse(text, path, None).expect_err("bad");
        let text = render(&errors, Look::PLAIN);
        assert!(
            text.starts_with("error: the map /home/u/secrets.yml has "),
            "{text}"
        );
        for word in [
            "/home/u/secrets.yml:2:6",
            "nmae",
            "did you mean `name`?",
            "secrets.yml:3:",
        ] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
        assert!(!text.contains('\x1b'), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn lines_that_are_too_long_are_not_drawn_and_the_place_is_told_all_the_same() {
        let long = "9".repeat(1 << 20);
        let beside = format!("config: {{ttl: {long}}}\nsecrets: []\n");
        let itself = format!("config: {{nmae: {long}}}\nsecrets: []\n");
        for text in [beside, itself] {
            let path = Path::new("/home/u/secrets.yml");
            let errors = map::parse(&text, path, None).expect_err("bad");
            let text = render(&errors, Look::PLAIN);
            assert!(text.len() < 4096, "{} bytes", text.len());
            assert!(
                text.contains("in line 1, which is too long to be shown"),
                "{text}"
            );
            assert!(text.contains("/home/u/secrets.yml:2:"), "{text}");
        }
    }
}
