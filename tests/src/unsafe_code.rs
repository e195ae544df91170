//! The unsafe code of every crate, counted, against the table of docs/reliability.md: more of it is a
//! change that somebody has to see.

use crate::documents;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::Path;

/// The crates, in the order of the table.
const CRATES: [&str; 6] = ["memory", "providers", "fs", "mount-helper", "cli", "tests"];

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    blocks: usize,
    functions: usize,
    impls: usize,
    /// Of all these, in tests.
    in_tests: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.functions += other.functions;
        self.impls += other.impls;
        self.in_tests += other.in_tests;
    }

    fn all(self) -> usize {
        self.blocks + self.functions + self.impls
    }
}

fn is(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

/// What stands in some tokens; comments and texts are none.
fn count(tokens: TokenStream, in_tests: bool) -> Count {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut total = Count::default();
    // What the last attribute says of what comes next.
    let mut of_tests = false;
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        let found = match token {
            TokenTree::Ident(ident) if ident == "unsafe" => match next {
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Count {
                    blocks: 1,
                    ..Count::default()
                },
                _ if is(next, "impl") => Count {
                    impls: 1,
                    ..Count::default()
                },
                // `unsafe fn`, `unsafe extern "C" fn`; not `#[unsafe(no_mangle)]`.
                _ if is(next, "fn") || is(next, "extern") => Count {
                    functions: 1,
                    ..Count::default()
                },
                _ => Count::default(),
            },
            TokenTree::Group(group) => {
                let text = group.stream().to_string();
                if group.delimiter() == Delimiter::Bracket && text.starts_with("cfg (test)") {
                    of_tests = true;
                    continue;
                }
                let inside = count(group.stream(), in_tests || of_tests);
                if group.delimiter() == Delimiter::Brace {
                    of_tests = false;
                }
                total.add(inside);
                continue;
            }
            _ => continue,
        };
        let found = Count {
            in_tests: if in_tests || of_tests { found.all() } else { 0 },
            ..found
        };
        total.add(found);
    }
    total
}

/// All files of a folder.
fn count_folder(folder: &Path, in_tests: bool) -> Count {
    let mut total = Count::default();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        let tests = in_tests || name == "tests" || name == "benches" || name.ends_with("tests.rs");
        if path.is_dir() {
            total.add(count_folder(&path, tests));
        } else if name.ends_with(".rs") {
            let source = std::fs::read_to_string(&path).expect("a file");
            let tokens = source
                .parse()
                .unwrap_or_else(|error| panic!("{path:?}: {error}"));
            total.add(count(tokens, tests));
        }
    }
    total
}

#[test]
fn the_unsafe_code_of_every_crate_is_what_the_document_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut table = String::from(
        "| crate | blocks | functions | impls | of these in tests |\n|---|---|---|---|---|\n",
    );
    for name in CRATES {
        let one = count_folder(&root.join(name), name == "tests");
        table.push_str(&format!(
            "| `{name}` | {} | {} | {} | {} |\n",
            one.blocks, one.functions, one.impls, one.in_tests
        ));
    }
    assert!(
        documents::text("docs/reliability.md").contains(&table),
        "docs/reliability.md does not have this table:\n{table}"
    );
}

#[test]
fn comments_texts_and_attributes_are_no_unsafe_code() {
    let source = r#"
        // unsafe { }
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn a() { let text = "unsafe {}"; unsafe { b() } }
        unsafe impl Send for A {}
        #[cfg(test)]
        mod tests { fn c() { unsafe { d() } } }
        fn e() { unsafe { f() } }
    "#;
    let expected = Count {
        blocks: 3,
        functions: 1,
        impls: 1,
        in_tests: 1,
    };
    assert_eq!(count(source.parse().expect("tokens"), false), expected);
}
