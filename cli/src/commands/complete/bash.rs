//! The line as bash has it, which says neither where words begin nor what is quoted; and words as bash
//! puts them into a line, where it quotes nothing itself: a name of a map is not to become a command.

/// What is typed up to the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// The words without their quotes, the one at the cursor last.
    pub(super) words: Vec<String>,
    /// Whether the last one is a file to read from or write to.
    pub(super) redirects: bool,
    /// The quote that is open.
    open: Option<char>,
    /// Where in the last word that begins which bash will replace.
    from: usize,
}

impl Typed {
    /// Reads a line. `breaks`: the characters at which bash begins what it replaces.
    pub(super) fn read(line: &str, breaks: &str) -> Self {
        let mut typed = Self::default();
        let mut word: Option<String> = None;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (typed.open, c) {
                (None, ' ' | '\t' | '\n') => {
                    if let Some(word) = word.take() {
                        typed.words.push(word);
                        typed.redirects = false;
                    }
                    typed.from = 0;
                }
                (None, '<' | '>') => {
                    typed.words.extend(word.take());
                    typed.redirects = true;
                    typed.from = 0;
                }
                (None, '\'' | '"') => {
                    typed.open = Some(c);
                    typed.from = word.get_or_insert_default().len();
                }
                (Some(open), _) if c == open => {
                    typed.open = None;
                    typed.from = 0;
                }
                (None, '\\') => word.get_or_insert_default().extend(characters.next()),
                (Some('"'), '\\') => match characters.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.get_or_insert_default().push(c),
                    Some(c) => word.get_or_insert_default().extend(['\\', c]),
                    None => {}
                },
                (open, c) => {
                    let word = word.get_or_insert_default();
                    word.push(c);
                    if open.is_none() && breaks.contains(c) {
                        typed.from = word.len();
                    }
                }
            }
        }
        typed.words.push(word.unwrap_or_default());
        typed
    }

    /// What bash has to put where the word at the cursor is; `None`: it cannot be put there.
    pub(super) fn quoted(&self, word: &str) -> Option<String> {
        let rest = word.get(self.from..)?;
        let mut out = String::with_capacity(rest.len());
        for c in rest.chars() {
            let special = match self.open {
                Some('\'') if c == '\'' => return None,
                Some('\'') => false,
                Some(_) => matches!(c, '"' | '\\' | '$' | '`'),
                // Letters of all languages, and what means nothing to a shell wherever it stands.
                None => {
                    !c.is_alphanumeric()
                        && !matches!(c, '_' | '-' | '.' | '/' | ',' | '+' | '@' | '%' | ':' | '=')
                }
            };
            // A history expansion is one in double quotes too, and cannot be undone there.
            if self.open == Some('"') && c == '!' {
                return None;
            }
            if special {
                out.push('\\');
            }
            out.push(c);
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKS: &str = " \t\n\"'@><=;|&(:";

    fn read(line: &str) -> Typed {
        Typed::read(line, BREAKS)
    }

    #[test]
    fn words_are_those_that_the_shell_would_make() {
        let words = |line: &str| read(line).words;
        assert_eq!(words("secretfs refresh ku"), ["secretfs", "refresh", "ku"]);
        assert_eq!(words("secretfs  refresh "), ["secretfs", "refresh", ""]);
        assert_eq!(
            words("secretfs refresh my\\ fi"),
            ["secretfs", "refresh", "my fi"]
        );
        assert_eq!(
            words("secretfs 'a b'c \"d \\\"$e"),
            ["secretfs", "a bc", "d \"$e"]
        );
        assert_eq!(
            words("secretfs run --only=K"),
            ["secretfs", "run", "--only=K"]
        );
        assert_eq!(words(""), [""]);
        assert!(read("secretfs status > fi").redirects);
        assert!(!read("secretfs status > file --").redirects);
    }

    #[test]
    fn what_bash_replaces_begins_at_a_break_or_a_quote() {
        let put = |line: &str, word: &str| read(line).quoted(word);
        assert_eq!(
            put("secretfs run --only=K", "--only=KUBE"),
            Some("KUBE".into())
        );
        assert_eq!(put("secretfs refresh a:b", "a:bc"), Some("bc".into()));
        assert_eq!(put("secretfs refresh a\\:b", "a:bc"), Some("a:bc".into()));
        assert_eq!(
            put("secretfs refresh \"my f", "my file"),
            Some("my file".into())
        );
        assert_eq!(
            put("secretfs refresh my\\ f", "my file"),
            Some("my\\ file".into())
        );
        assert_eq!(
            put("secretfs refresh ", "kubeconfig"),
            Some("kubeconfig".into())
        );
    }

    #[test]
    fn no_name_becomes_a_command() {
        let hostile = "a$(touch b)`c`;d|e&f>g\"h\\i*j?k[l]{m}!n#o~p q'r";
        for (line, expected) in [
            (
                "x ",
                Some(
                    "a\\$\\(touch\\ b\\)\\`c\\`\\;d\\|e\\&f\\>g\\\"h\\\\i\\*j\\?k\\[l\\]\\{m\\}\\!n\\#o\\~p\\ q\\'r",
                ),
            ),
            ("x \"", None),
            ("x '", None),
        ] {
            assert_eq!(read(line).quoted(hostile).as_deref(), expected, "{line}");
        }
        let quoted = read("x \"").quoted("a$(b)`c`\\d\"").expect("possible");
        assert_eq!(quoted, "a\\$(b)\\`c\\`\\\\d\\\"");
    }
}
