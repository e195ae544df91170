//! An entry of `secrets:`, from its keys to its plan.

use super::{Resolver, or};
use crate::map::plan::{Decode, EntryPlan, Fallback, Format, Source, ValueKey};
use crate::map::rules::name;
use crate::map::source::{Entry, Maybe, Mode};
use crate::map::span::{Span, Spanned};
use crate::map::units::{Bytes, Millis, quote};
use secretfs_providers::Reference;

/// What kind of thing an entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Ref,
    Item,
    Folder,
}

impl Resolver<'_> {
    /// The plan of an entry; `None` where something is wrong with it.
    pub(super) fn entry(&mut self, spanned: &Spanned<Entry>) -> Option<EntryPlan> {
        let before = self.problems.count();
        let entry = &spanned.value;
        self.values(entry);
        let kind = self.kind(entry, spanned.at);
        let path = self.target(entry, spanned.at, kind);
        let kind = kind?;
        // Before the provider is known: what is wrong with a reference is wrong with any.
        let parsed = (entry.reference.as_ref()).and_then(|text| self.op_reference(text));
        let provider = self.provider_of(entry, kind, spanned.at)?;
        let source = self.source(entry, kind, provider, spanned.at, parsed);
        let fallback = self.fallback(entry, kind, provider);
        if self.problems.count() != before {
            return None;
        }
        let config = self.config;
        let known = self.known.get(usize::from(provider))?;
        let default_ttl = or(&config.ttl, Millis(300_000));
        Some(EntryPlan {
            id: 0,
            path: path?,
            key: ValueKey(0),
            provider,
            source: source?,
            env: entry.env.as_ref().map(|env| env.value.clone()),
            ttl_ms: or(&entry.ttl, default_ttl).0,
            stale_ms: or(&config.stale, Millis(3_600_000)).0,
            open_timeout_ms: known.open_timeout_ms,
            max_size: or(&config.max_size, Bytes(1 << 20)).0,
            decode: or(&entry.decode, Decode::None),
            mode: or(&entry.mode, Mode::ReadWrite).bits(),
            allow: entry
                .allow
                .iter()
                .flatten()
                .map(|program| program.value.clone())
                .collect(),
            allow_empty: or(&entry.allow_empty, false),
            fallback,
            line: spanned.at.line,
        })
    }

    /// Values that are right or wrong by themselves.
    fn values(&mut self, entry: &Entry) {
        for program in entry.allow.iter().flatten() {
            self.accept(program.at, name::program(&program.value));
        }
        for (key, value) in [("folder", &entry.folder), ("path", &entry.path)] {
            if let Some(value) = value {
                self.accept(value.at, name::folder(key, &value.value));
            }
        }
        if let Some(value) = &entry.environment {
            self.accept(value.at, name::environment(&value.value));
        }
    }

    /// Exactly one of `name`, `ref`, `item`, `folder`.
    fn kind(&mut self, entry: &Entry, at: Span) -> Option<Kind> {
        let all = [
            (Kind::Name, "name", &entry.name),
            (Kind::Ref, "ref", &entry.reference),
            (Kind::Item, "item", &entry.item),
            (Kind::Folder, "folder", &entry.folder),
        ];
        let mut given = all
            .iter()
            .filter_map(|(kind, key, value)| Some((*kind, *key, value.as_ref()?.at)));
        let first = given.next();
        if let (Some((_, one, first)), Some((_, other, second))) = (first, given.next()) {
            self.problems.twice(
                second,
                first,
                format!("an entry with both `{one}` and `{other}`"),
                "keep one of them: an entry is one secret or one folder",
            );
            return None;
        }
        let kind = first.map(|(kind, ..)| kind);
        let spelled = [
            ("vault", &entry.vault),
            ("section", &entry.section),
            ("field", &entry.field),
        ];
        for (key, value) in spelled {
            if let Some(value) = value
                && kind != Some(Kind::Item)
            {
                let help = if kind.is_none() {
                    "write `item:` as well, or a `ref: op://…`"
                } else {
                    "remove it: it belongs to `item:`"
                };
                self.lacks(value.at, format!("`{key}` without `item`"), help);
            }
        }
        if kind.is_none() && spelled.iter().all(|(_, value)| value.is_none()) {
            self.lacks(
                at,
                "the entry does not say which secret it shows",
                "write one of `name:`, `ref:`, `item:` and `folder:`",
            );
        }
        kind
    }

    /// `file`, or with `folder` either `file` or `dir`; and what belongs to it.
    fn target(&mut self, entry: &Entry, at: Span, kind: Option<Kind>) -> Option<String> {
        let folder = kind == Some(Kind::Folder);
        match (&entry.file, &entry.dir) {
            (Some(file), Some(dir)) => {
                self.problems.twice(
                    dir.at,
                    file.at,
                    "an entry with both `file` and `dir`",
                    "keep one of them: `file` renders the folder into one file, `dir` shows one file each",
                );
                None
            }
            (None, Some(dir)) if !folder => {
                if kind.is_some() {
                    self.lacks(
                        dir.at,
                        "`dir` without `folder`",
                        "write `file:` for one secret, or `folder:` instead of its name",
                    );
                }
                None
            }
            (Some(path), None) | (None, Some(path)) => Some(path.value.clone()),
            (None, None) => {
                let help = if folder {
                    "write `file:` for one rendered file, or `dir:` for one file each"
                } else {
                    "write `file:`, the path below the mountpoint"
                };
                self.lacks(at, "the entry does not say where it is shown", help);
                None
            }
        }
    }

    /// How a folder is rendered.
    pub(super) fn format(&mut self, entry: &Entry, file: &Spanned<String>) -> Option<Format> {
        if let Some(format) = &entry.format {
            return Some(format.value);
        }
        let name = file.value.rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("env") => Some(Format::Dotenv),
            Some("json") => Some(Format::Json),
            Some("yaml" | "yml") => Some(Format::Yaml),
            _ => {
                self.lacks(
                    file.at,
                    format!("the folder's `format` is not clear from {}", quote(name)),
                    "write `format: dotenv`, `json` or `yaml`",
                );
                None
            }
        }
    }

    fn fallback(&mut self, entry: &Entry, kind: Kind, provider: u16) -> Option<Fallback> {
        let Some(fallback) = &entry.fallback else {
            self.only_with(&entry.fallback_name, "fallback_name", "fallback");
            return None;
        };
        if kind == Kind::Folder {
            self.problems.add(
                fallback.at,
                "`fallback` with `folder`",
                "remove it: only a single secret has a fallback",
            );
            return None;
        }
        let other = self.named_provider(fallback)?;
        if other == provider {
            self.problems.add(
                fallback.at,
                "the fallback is the provider itself",
                "name another provider, or remove `fallback`",
            );
            return None;
        }
        // A name of another provider is no reference of 1Password.
        let same = entry.name.as_ref().filter(|_| !self.is_onepassword(other));
        let Some(name) = entry.fallback_name.as_ref().or(same) else {
            let help = if self.is_onepassword(other) {
                "write `fallback_name: op://vault/item/field`"
            } else {
                "write `fallback_name:`, the secret's name in the fallback"
            };
            self.lacks(fallback.at, "`fallback` without `fallback_name`", help);
            return None;
        };
        let reference = self.fallback_reference(entry, name, other)?;
        Some(Fallback {
            provider: other,
            reference,
        })
    }

    /// Refuses a key that means nothing here.
    pub(super) fn only_with<T>(&mut self, value: &Maybe<T>, key: &str, other: &str) {
        if let Some(value) = value {
            self.lacks(
                value.at,
                format!("`{key}` without `{other}`"),
                format!("write `{other}:` as well, or remove `{key}`"),
            );
        }
    }

    /// Where the bytes come from, for a provider of its type.
    fn source(
        &mut self,
        entry: &Entry,
        kind: Kind,
        provider: u16,
        at: Span,
        parsed: Option<Reference>,
    ) -> Option<Source> {
        if kind != Kind::Folder {
            self.only_with(&entry.format, "format", "folder");
            return self
                .reference(entry, kind, provider, at, parsed)
                .map(Source::Secret);
        }
        let folder = self.folder(entry, provider)?;
        match &entry.file {
            Some(file) => {
                if let Some(decode) = &entry.decode
                    && decode.value != Decode::None
                {
                    self.problems.add(
                        decode.at,
                        "`decode` with a rendered folder",
                        "remove it: the format says how values are written",
                    );
                }
                let format = self.format(entry, file)?;
                Some(Source::Rendered { folder, format })
            }
            None => {
                self.only_with(&entry.format, "format", "file");
                Some(Source::Listed { folder })
            }
        }
    }
}
