//! A list of vaults or items, as its tokens pass by: `[{"id":…,"name" or "title":…}, …]`. What differs
//! from the wanted name is dropped: a server's filter is not trusted to know equal from similar
//! (contract onepassword.md §1.4).

use super::is_id;
use crate::json::Token;
use crate::onepassword::item::{Malformed, fold};

/// The most matches that are kept: two are too many already.
const MAX_KEPT: usize = 64;
/// The most bytes of a text that matters.
const MAX_TEXT: usize = 1024;
/// How deep the members of one of the list lie, and those of its `vault`.
const ONE: u32 = 2;
const VAULT: u32 = 3;

/// One that has the name, but for case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) name: String,
    /// Of items: the vault's id, where the list says it.
    pub(super) vault: String,
    /// Of vaults: the state of the content.
    pub(super) content: Option<u64>,
    is_gone: bool,
}

/// Which one is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice {
    None,
    One(Candidate),
    /// Their ids.
    Several(Vec<String>),
}

/// A member that means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    Name,
    State,
    Content,
    /// Of items: an object, of which the id matters.
    Vault,
    VaultId,
    Other,
}

/// Reads one list.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The name that is looked for; `None`: all are.
    name: Option<&'a str>,
    folded: String,
    most: usize,
    is_cut: bool,
    /// What members the name is in.
    named: &'static str,
    depth: u32,
    key: Key,
    is_in_vault: bool,
    open: Candidate,
    text: String,
    found: Vec<Candidate>,
    is_complete: bool,
}

impl<'a> Reader<'a> {
    /// Looks for `name` in the members `named`.
    pub(super) fn new(named: &'static str, name: &'a str) -> Self {
        Self {
            name: Some(name),
            folded: fold(name),
            ..Self::all(named, MAX_KEPT)
        }
    }

    /// Takes the first `most` of all there are.
    pub(super) fn all(named: &'static str, most: usize) -> Self {
        Self {
            name: None,
            folded: String::new(),
            most,
            is_cut: false,
            named,
            depth: 0,
            key: Key::Other,
            is_in_vault: false,
            open: Candidate::default(),
            text: String::new(),
            found: Vec::new(),
            is_complete: false,
        }
    }

    /// One token.
    pub(super) fn token(&mut self, token: Token<'_>) -> Result<(), Malformed> {
        match token {
            Token::ArrayStart | Token::ObjectStart => {
                if self.depth == 0 && token == Token::ObjectStart {
                    return Err(Malformed);
                }
                self.depth += 1;
                if self.depth == ONE {
                    if token != Token::ObjectStart {
                        return Err(Malformed);
                    }
                    self.open = Candidate::default();
                }
                if self.depth == VAULT {
                    self.is_in_vault = self.key == Key::Vault && token == Token::ObjectStart;
                }
                self.key = Key::Other;
            }
            Token::ArrayEnd | Token::ObjectEnd => {
                if self.depth == ONE {
                    self.close()?;
                }
                self.depth = self.depth.saturating_sub(1);
                self.is_complete = self.depth == 0;
                self.key = Key::Other;
            }
            Token::Name(name) if self.depth == ONE => {
                self.key = match name {
                    "id" => Key::Id,
                    "state" => Key::State,
                    "contentVersion" => Key::Content,
                    "vault" => Key::Vault,
                    _ if name == self.named => Key::Name,
                    _ => Key::Other,
                };
            }
            Token::Name(name) if self.depth == VAULT && self.is_in_vault => {
                self.key = match name {
                    "id" => Key::VaultId,
                    _ => Key::Other,
                };
            }
            Token::TextStart if self.depth < ONE => return Err(Malformed),
            Token::TextStart => self.text.clear(),
            Token::Text(piece) if self.is_wanted() => {
                if self.text.len() + piece.len() > MAX_TEXT {
                    // Nobody's name.
                    self.key = Key::Other;
                } else {
                    self.text.push_str(piece);
                }
            }
            Token::TextEnd if self.is_wanted() => self.end(),
            Token::Number(number) if self.depth == ONE && self.key == Key::Content => {
                self.open.content = number.parse().ok();
            }
            Token::Number(_) | Token::Bool(_) if self.is_wanted() => return Err(Malformed),
            _ => {}
        }
        Ok(())
    }

    fn is_wanted(&self) -> bool {
        match self.depth {
            ONE => matches!(self.key, Key::Id | Key::Name | Key::State),
            VAULT => self.is_in_vault && self.key == Key::VaultId,
            _ => false,
        }
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        match self.key {
            Key::Id => self.open.id = text,
            Key::Name => self.open.name = text,
            // ARCHIVED, DELETED.
            Key::State => self.open.is_gone = !matches!(text.as_str(), "" | "ACTIVE"),
            Key::VaultId => self.open.vault = text,
            Key::Content | Key::Vault | Key::Other => {}
        }
    }

    fn close(&mut self) -> Result<(), Malformed> {
        let open = std::mem::take(&mut self.open);
        // Paths are made of it.
        if !is_id(&open.id) {
            return Err(Malformed);
        }
        let is_it = self.name.is_none() || fold(&open.name) == self.folded;
        if open.is_gone || !is_it {
            return Ok(());
        }
        match self.found.len() < self.most {
            true => self.found.push(open),
            false => self.is_cut = true,
        }
        Ok(())
    }

    /// Those that were taken, and whether there were more.
    pub(super) fn finish_all(self) -> Result<(Vec<Candidate>, bool), Malformed> {
        match self.is_complete {
            true => Ok((self.found, self.is_cut)),
            false => Err(Malformed),
        }
    }

    /// Which one is meant: the only exact match, else the only one that differs in case.
    pub(super) fn finish(self) -> Result<Choice, Malformed> {
        if !self.is_complete {
            return Err(Malformed);
        }
        let is_exact = |candidate: &Candidate| Some(candidate.name.as_str()) == self.name;
        let mut found = self.found;
        if found.iter().any(is_exact) {
            found.retain(is_exact);
        }
        found.dedup_by(|a, b| a.id == b.id);
        Ok(match found.len() {
            0 => Choice::None,
            1 => found.pop().map_or(Choice::None, Choice::One),
            _ => Choice::Several(found.into_iter().map(|one| one.id).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tokenizer;

    const A: &str = "ytrfte14kw1uex5txaore1emkz";
    const B: &str = "wepiqdxdzncjtnvmv5fegud4qy";

    fn read(text: &str, name: &str) -> Result<Choice, Malformed> {
        let mut reader = Reader::new("title", name);
        let mut tokenizer = Tokenizer::new();
        for byte in text.as_bytes() {
            let pushed = tokenizer.push(&[*byte], |token| reader.token(token));
            pushed.map_err(|_| Malformed)?;
        }
        let ended = tokenizer.finish(|token| reader.token(token));
        ended.map_err(|_| Malformed)?;
        reader.finish()
    }

    fn id(choice: Result<Choice, Malformed>) -> String {
        match choice {
            Ok(Choice::One(one)) => one.id,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_exact_name_wins_over_one_that_differs_in_case() {
        let both = format!(r#"[{{"id":"{A}","title":"db"}},{{"title":"DB","id":"{B}"}}]"#);
        assert_eq!(id(read(&both, "db")), A);
        assert_eq!(id(read(&both, "DB")), B);
        assert_eq!(
            read(&both, "Db"),
            Ok(Choice::Several(vec![A.into(), B.into()]))
        );
        let one = format!(r#"[{{"id":"{A}","title":"\u00c9t\u00e9","urls":[{{"title":"x"}}]}}]"#);
        assert_eq!(id(read(&one, "\u{e9}T\u{e9}")), A);
    }

    #[test]
    fn what_the_filter_let_through_and_is_another_is_none() {
        let other = format!(r#"[{{"id":"{A}","title":"db2"}}]"#);
        assert_eq!(read(&other, "db"), Ok(Choice::None));
        assert_eq!(read("[]", "db"), Ok(Choice::None));
    }

    #[test]
    fn an_item_has_the_vault_that_its_list_says() {
        let of = |vault: &str| {
            let text = format!(r#"[{{"id":"{A}","title":"db",{vault}"n":{{"id":"x"}}}}]"#);
            match read(&text, "db") {
                Ok(Choice::One(one)) => one.vault,
                other => format!("{other:?}"),
            }
        };
        assert_eq!(of(&format!(r#""vault":{{"name":"P","id":"{B}"}},"#)), B);
        assert_eq!(of(r#""vault":{"deep":{"id":"x"}},"#), "");
        assert_eq!(of(r#""vault":[{"id":"x"}],"#), "");
        assert_eq!(of(""), "");
    }

    #[test]
    fn an_archived_one_is_none() {
        let two = format!(
            r#"[{{"id":"{A}","title":"db","state":"ARCHIVED"}},{{"id":"{B}","title":"db"}}]"#
        );
        assert_eq!(id(read(&two, "db")), B);
    }

    #[test]
    fn what_is_no_list_of_ids_is_malformed() {
        for text in [
            "{}",
            "[[]]",
            r#"["db"]"#,
            r#"[{"title":"db"}]"#,
            r#"[{"id":"../../x","title":"db"}]"#,
            r#"[{"id":7,"title":"db"}]"#,
            "",
            "[",
        ] {
            assert_eq!(read(text, "db"), Err(Malformed), "{text}");
        }
    }
}
