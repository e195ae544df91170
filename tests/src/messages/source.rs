//! Rust source as the few kinds of words that matter here.

/// A part of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a number.
    Word(String),
    /// What a string literal says. Those of bytes are none.
    Text(String),
    /// Any other character but blanks.
    Mark(char),
}

/// The tokens of a source file, without comments, lifetimes, and literals of characters and bytes.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut rest = chars.as_slice();
    while let [c, after @ ..] = rest {
        rest = match (c, after) {
            ('/', ['/', ..]) => behind(after, |c| c == '\n'),
            ('/', ['*', ..]) => behind_comment(rest),
            ('"', _) => {
                let (text, behind) = text(after);
                tokens.push(Token::Text(text));
                behind
            }
            ('\'', ['\\', _, behind @ ..]) => self::behind(behind, |c| c == '\''),
            ('\'', [_, '\'', behind @ ..]) => behind,
            // A lifetime.
            ('\'', _) => after,
            _ if c.is_alphanumeric() || *c == '_' => {
                let word: String = rest
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .collect();
                let behind = &rest[word.chars().count()..];
                match (word.as_str(), behind) {
                    ("r" | "br" | "cr", ['"' | '#', ..]) => match raw(behind) {
                        Some((text, behind)) => {
                            if word == "r" {
                                tokens.push(Token::Text(text));
                            }
                            behind
                        }
                        None => behind,
                    },
                    ("b", ['"', after @ ..]) => text(after).1,
                    _ => {
                        tokens.push(Token::Word(word));
                        behind
                    }
                }
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(*c));
                }
                after
            }
        };
    }
    tokens
}

/// What is behind the first character that is the end.
fn behind(chars: &[char], end: impl Fn(char) -> bool) -> &[char] {
    let at = chars.iter().position(|c| end(*c));
    at.map_or(&[], |at| &chars[at + 1..])
}

fn behind_comment(chars: &[char]) -> &[char] {
    let mut depth = 0_usize;
    let mut rest = chars;
    loop {
        match rest {
            ['/', '*', behind @ ..] => (depth, rest) = (depth + 1, behind),
            ['*', '/', behind @ ..] if depth == 1 => return behind,
            ['*', '/', behind @ ..] => (depth, rest) = (depth - 1, behind),
            [_, behind @ ..] => rest = behind,
            [] => return rest,
        }
    }
}

/// The string whose opening quote was read, and what is behind it.
fn text(chars: &[char]) -> (String, &[char]) {
    let mut text = String::new();
    let mut rest = chars;
    loop {
        rest = match rest {
            [] => return (text, rest),
            ['"', behind @ ..] => return (text, behind),
            ['\\', '\n', behind @ ..] => {
                let blanks = behind.iter().take_while(|c| c.is_whitespace()).count();
                &behind[blanks..]
            }
            ['\\', escaped, behind @ ..] => {
                text.push(if *escaped == 'n' { '\n' } else { *escaped });
                behind
            }
            [c, behind @ ..] => {
                text.push(*c);
                behind
            }
        };
    }
}

/// A raw string from its first `#` or quote on; nothing of what is none (`r#type`).
fn raw(chars: &[char]) -> Option<(String, &[char])> {
    let hashes = chars.iter().take_while(|c| **c == '#').count();
    let ['"', inner @ ..] = &chars[hashes..] else {
        return None;
    };
    let closes = |at: &usize| {
        inner[*at] == '"' && inner[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    let end = (0..inner.len()).find(closes)?;
    Some((inner[..end].iter().collect(), &inner[end + 1 + hashes..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_told_from_characters_comments_and_lifetimes() {
        let source = r####"
            // "no"
            /* "no" /* nested */ "no" */
            fn f<'a>(x: &'a str) { g('"', '\'', '\u{22}', "a\"b\n", r"c\d", r#"e"f"#, b"no", br#"no"#) }
        "####;
        let texts: Vec<_> = tokens(source)
            .into_iter()
            .filter_map(|token| match token {
                Token::Text(text) => Some(text),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["a\"b\n", "c\\d", "e\"f"]);
    }

    #[test]
    fn words_and_marks_are_kept() {
        let expected = [
            Token::Mark('#'),
            Token::Mark('['),
            Token::Word("a_1".to_owned()),
            Token::Mark(']'),
        ];
        assert_eq!(tokens("# [a_1 ] // x"), expected);
    }
}
