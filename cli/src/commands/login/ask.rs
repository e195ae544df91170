//! The fields of a credential: from the terminal without echo, or one a line from standard input.

use super::target::Target;
use crate::error::{CliError, Status};
use crate::keyring::{Entry, Kind};
use crate::passphrase;
use secrecy::{ExposeSecret, SecretString};
use secretfs_providers::Credential;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// The most bytes of all fields: what the kernel's keyring takes.
const MOST: usize = 30 << 10;

/// What was asked for.
pub(super) struct Given {
    kind: Kind,
    fields: Vec<SecretString>,
    /// What a vault's passphrase opened.
    pub(super) identity: Option<SecretString>,
}

impl Given {
    /// As it is stored: one field a line.
    pub(super) fn stored(&self) -> SecretString {
        let parts: Vec<&str> = self
            .fields
            .iter()
            .map(ExposeSecret::expose_secret)
            .collect();
        let length = parts.iter().map(|part| part.len() + 1).sum();
        // As long as it becomes: it never grows, and leaves no copy behind.
        let mut text = String::with_capacity(length);
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                text.push('\n');
            }
            text.push_str(part);
        }
        text.into()
    }

    /// As it is given to a provider.
    pub(super) fn credential(&self) -> Option<Credential> {
        let mut fields = self.fields.iter().cloned();
        match self.kind {
            Kind::Client => Some(Credential::ClientSecret {
                id: fields.next()?,
                secret: fields.next()?,
            }),
            Kind::Token | Kind::ServiceAccount => Some(Credential::Token(fields.next()?)),
            Kind::Passphrase => self.identity.clone().map(Credential::AgeIdentity),
        }
    }

    /// The passphrase of a vault.
    pub(super) fn passphrase(&self) -> Option<&SecretString> {
        self.fields
            .first()
            .filter(|_| self.kind == Kind::Passphrase)
    }
}

/// What each field is called.
fn names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Client => &["Client ID", "Client secret"],
        Kind::Token => &["Token"],
        Kind::ServiceAccount => &["Service account token"],
        Kind::Passphrase => &["Passphrase"],
    }
}

/// Asks. The origin is named before anything is typed: a map may come with a repository.
pub(super) fn ask(target: &Target, entry: &Entry) -> Result<Given, CliError> {
    let names = names(entry.kind());
    let fields = if std::io::stdin().is_terminal() {
        if !passphrase::has_terminal() {
            return Err(CliError::new(
                Status::Credential,
                "there is no terminal to ask for the credential",
                "give it on standard input, one field a line",
            ));
        }
        names
            .iter()
            .map(|name| passphrase::ask(&prompt(name, entry)))
            .collect::<Result<Vec<_>, _>>()?
    } else {
        lines(&read()?, names)?
    };
    let fields = fields
        .into_iter()
        .zip(names)
        .map(|(field, name)| checked(&field, name, entry.kind()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|what| {
            let name = &target.spec().name;
            CliError::new(
                Status::Credential,
                format!("provider {name}: {what}"),
                "copy it once more",
            )
        })?;
    Ok(Given {
        kind: entry.kind(),
        fields,
        identity: None,
    })
}

fn prompt(name: &str, entry: &Entry) -> String {
    let of = match entry.kind() {
        Kind::Passphrase => "of the vault",
        _ => "for",
    };
    format!("{name} {of} {}: ", entry.told())
}

/// Standard input to its end, past the buffer that would keep a copy of it.
fn read() -> Result<Zeroizing<Vec<u8>>, CliError> {
    let fail = |error: &std::io::Error| {
        CliError::new(
            Status::Other,
            format!("cannot read standard input: {error}"),
            "",
        )
    };
    let input = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| fail(&error))?;
    let most = MOST as u64 + 1;
    // No growing: a copy would be left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 2));
    File::from(input)
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(&error))?;
    Ok(bytes)
}

/// One field a line; one final newline is no field.
fn lines(input: &[u8], names: &[&str]) -> Result<Vec<SecretString>, CliError> {
    let wanted = match names {
        [one] => format!("one line: the {}", one.to_lowercase()),
        _ => format!("{} lines: {}", names.len(), names.join(", ").to_lowercase()),
    };
    let fail = |what: &str| {
        CliError::new(
            Status::Credential,
            format!("standard input {what}"),
            format!("give {wanted}"),
        )
    };
    if input.len() > MOST {
        return Err(fail("is too long"));
    }
    let text = std::str::from_utf8(input).map_err(|_| fail("is not text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Err(fail("is empty"));
    }
    let fields: Vec<_> = text.split('\n').map(SecretString::from).collect();
    match fields.len() {
        n if n < names.len() => Err(fail("has too few lines")),
        n if n > names.len() => Err(fail("has too many lines")),
        _ => Ok(fields),
    }
}

/// A field as it can be used. What was copied with blanks around it has none in it; a passphrase may.
fn checked(field: &SecretString, name: &str, kind: Kind) -> Result<SecretString, String> {
    let text = field.expose_secret();
    let text = match kind {
        Kind::Passphrase => text,
        _ => text.trim(),
    };
    if text.is_empty() {
        return Err(format!("the {} is empty", name.to_lowercase()));
    }
    let is_wrong = |c: char| c.is_control() || (kind != Kind::Passphrase && c.is_whitespace());
    if text.chars().any(is_wrong) {
        return Err(format!(
            "the {} has a blank or a control character in it",
            name.to_lowercase()
        ));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &[SecretString]) -> Vec<&str> {
        fields.iter().map(ExposeSecret::expose_secret).collect()
    }

    #[test]
    fn one_field_a_line_and_no_line_more_or_less() {
        let names = names(Kind::Client);
        let fields = |input: &str| lines(input.as_bytes(), names);
        assert_eq!(shown(&fields("id\nsecret").expect("two")), ["id", "secret"]);
        assert_eq!(
            shown(&fields("id\nsecret\n").expect("two")),
            ["id", "secret"]
        );
        for wrong in ["", "\n", "id", "id\n", "id\nsecret\nmore", "id\nsecret\n\n"] {
            let error = fields(wrong).expect_err(wrong);
            assert_eq!(error.status(), Status::Credential);
            let told = error.render(false);
            assert!(told.contains("2 lines: client id, client secret"), "{told}");
            assert!(!told.contains("more"), "{told}");
        }
        assert!(lines(&[b'x'; MOST + 1], &["Token"]).is_err());
        assert!(lines(b"\xff\xfe", &["Token"]).is_err());
    }

    #[test]
    fn blanks_around_a_token_are_dropped_and_in_a_passphrase_they_are_part_of_it() {
        let of = |text: &str, kind| {
            let field = checked(&text.into(), "Token", kind);
            field.map(|field| field.expose_secret().to_owned())
        };
        assert_eq!(of("  tok\r", Kind::Token), Ok("tok".to_owned()));
        assert_eq!(of("  a b ", Kind::Passphrase), Ok("  a b ".to_owned()));
        assert!(of("to k", Kind::Token).is_err());
        assert!(of(" ", Kind::Token).is_err());
        assert!(of("a\u{1b}b", Kind::Passphrase).is_err());
    }

    #[test]
    fn it_is_stored_one_field_a_line() {
        let given = Given {
            kind: Kind::Client,
            fields: vec!["id".into(), "secret".into()],
            identity: None,
        };
        assert_eq!(given.stored().expose_secret(), "id\nsecret");
        assert!(matches!(
            given.credential(),
            Some(Credential::ClientSecret { .. })
        ));
        assert!(given.passphrase().is_none());
    }
}
