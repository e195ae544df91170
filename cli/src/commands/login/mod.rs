//! `secretfs login`: asks for a credential, tries it, stores it for the server that it is for, and
//! gives it to the mounts that wait for it.
//!
//! | room | idea |
//! |---|---|
//! | [`target`] | which provider is meant: of a map, or by its type |
//! | [`ask`] | the fields, from the terminal or from standard input |
//! | [`trial`] | whether the provider takes it |

mod ask;
pub(super) mod target;
mod trial;

use crate::args::{LoginArgs, LoginMethod};
use crate::credentials::protected;
use crate::deliver::Running;
use crate::error::{CliError, Status};
use crate::keyring::{Asking, Entry, Keyring, Kind};
use crate::output::say;
use secretfs_fs::map::ProviderSettings;
use target::Target;

/// Runs the command.
pub(crate) fn run(args: &LoginArgs) -> Result<(), CliError> {
    let target = Target::find(
        &args.which.provider,
        args.which.map.map.as_deref(),
        &args.which.place,
        args.ca_file.as_deref(),
    )?;
    let kind = kind(&target, args.method)?;
    let entry = Entry::of(target.spec(), kind).ok_or_else(|| no_place(&target))?;
    // Before the heap is locked: a large map takes more than may be.
    let running = Running::with(&entry);
    let insecure = args.insecure_memory;
    let mut keyring = Keyring::new(Asking::of_process());
    let (given, place) = protected(insecure, || {
        let given = ask::ask(&target, &entry)?;
        let given = trial::pass(&target, &entry, given)?;
        let place = keyring.put(&entry, &given.stored())?;
        if let Some(other) = replaced(&target, &entry) {
            keyring.forget(&other)?;
        }
        Ok((given, place))
    })?;
    say(&format!(
        "stored the {} of {} in {}",
        kind.told(),
        entry.told(),
        place.told()
    ))?;
    running.give(|| given.credential(), insecure)
}

/// What is asked for.
fn kind(target: &Target, method: Option<LoginMethod>) -> Result<Kind, CliError> {
    let name = &target.spec().name;
    let ProviderSettings::Infisical { auth, .. } = &target.spec().settings else {
        if method.is_some() {
            return Err(CliError::new(
                Status::Usage,
                format!("--method is for Infisical, and provider {name} is none"),
                "leave it out",
            ));
        }
        return Ok(match &target.spec().settings {
            ProviderSettings::Local { .. } => Kind::Passphrase,
            ProviderSettings::OnePassword { op: true, .. } => Kind::ServiceAccount,
            _ => Kind::Token,
        });
    };
    let of_map = match auth.as_deref() {
        None => None,
        Some("universal") => Some(LoginMethod::Universal),
        Some("token") => Some(LoginMethod::Token),
        Some(other) => {
            return Err(CliError::new(
                Status::Usage,
                format!("provider {name} signs in with `auth: {other}`, which needs no login"),
                match other {
                    "cli" => "run `infisical login`",
                    _ => "the machine itself is what signs in; see docs/infisical-auth.md",
                },
            ));
        }
    };
    match (of_map, method) {
        (Some(of_map), Some(method)) if of_map != method => Err(CliError::new(
            Status::Usage,
            format!("the map says `auth` of provider {name}, and --method something else"),
            "leave --method out, or change the map",
        )),
        (of_map, method) => Ok(match of_map.or(method) {
            Some(LoginMethod::Token) => Kind::Token,
            Some(LoginMethod::Universal) | None => Kind::Client,
        }),
    }
}

/// What would still be found before the new credential: the other kind, where the map leaves it open
/// which one is used.
fn replaced(target: &Target, entry: &Entry) -> Option<Entry> {
    let ProviderSettings::Infisical { auth: None, .. } = &target.spec().settings else {
        return None;
    };
    let other = match entry.kind() {
        Kind::Client => Kind::Token,
        _ => Kind::Client,
    };
    Entry::of(target.spec(), other)
}

fn no_place(target: &Target) -> CliError {
    let spec = target.spec();
    match &spec.settings {
        ProviderSettings::Local { file } => CliError::new(
            Status::Other,
            format!("provider {}: there is no vault {file}", spec.name),
            "`secretfs vault init` makes one",
        ),
        _ => CliError::new(
            Status::Usage,
            format!("provider {} takes no credential", spec.name),
            "see `secretfs doctor` for the providers that need one",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::PlaceOfProvider;

    fn infisical(auth: &str) -> Target {
        let map = format!(
            "providers: {{i: {{type: infisical, project_id: p{auth}}}}}\nsecrets: [{{name: A, file: a}}]\n"
        );
        let map = crate::map::Map::of_text(&map, "/m.yml".as_ref()).expect("a map");
        Target::in_map(map, "i").expect("a provider")
    }

    #[test]
    fn the_map_says_what_is_asked_for_and_the_flag_where_it_does_not() {
        use LoginMethod::{Token, Universal};
        let of = |auth: &str, method| kind(&infisical(auth), method).ok();
        assert_eq!(of("", None), Some(Kind::Client));
        assert_eq!(of("", Some(Token)), Some(Kind::Token));
        assert_eq!(of(", auth: token", None), Some(Kind::Token));
        assert_eq!(of(", auth: universal", Some(Universal)), Some(Kind::Client));
        assert_eq!(of(", auth: universal", Some(Token)), None);
        assert_eq!(of(", auth: cli", None), None);
    }

    #[test]
    fn a_login_replaces_the_other_kind_where_the_map_leaves_it_open() {
        let other = |auth: &str, kind| {
            let target = infisical(auth);
            let entry = Entry::of(target.spec(), kind).expect("an entry");
            replaced(&target, &entry).map(|entry| entry.kind())
        };
        assert_eq!(other("", Kind::Client), Some(Kind::Token));
        assert_eq!(other("", Kind::Token), Some(Kind::Client));
        assert_eq!(other(", auth: token", Kind::Token), None);
    }

    #[test]
    fn without_a_map_a_provider_is_named_by_what_it_is() {
        let none = PlaceOfProvider {
            site_url: None,
            host: None,
            account: None,
            file: None,
        };
        let host = PlaceOfProvider {
            host: Some("https://c.example".to_owned()),
            ..none
        };
        let target = Target::of_type("connect", &host, None).expect("a target");
        let entry = Entry::of(target.spec(), Kind::Token).expect("an entry");
        assert_eq!(entry.origin(), "https://c.example:443");
        for wrong in ["infisical", "vault", "nothing"] {
            assert!(Target::of_type(wrong, &host, None).is_err(), "{wrong}");
        }
    }
}
