//! Which provider a login is for: one of the map that is found from here, or, before there is a map,
//! one by its type. The latter is read as a map too, so that what is wrong with an address is said in
//! the words of the map.

use crate::args::PlaceOfProvider;
use crate::error::{CliError, Status};
use crate::map::Map;
use secretfs_fs::map::ProviderSpec;
use std::path::Path;

/// A provider, and the map that it is in.
pub(crate) struct Target {
    map: Map,
    index: usize,
    spec: ProviderSpec,
    is_of_map: bool,
}

impl Target {
    /// The provider of this name.
    pub(crate) fn find(
        name: &str,
        map: Option<&Path>,
        place: &PlaceOfProvider,
        ca_file: Option<&Path>,
    ) -> Result<Self, CliError> {
        if place.is_given() || ca_file.is_some() {
            return Self::of_type(name, place, ca_file);
        }
        match Map::find(map) {
            Ok(found) => Self::in_map(found, name),
            // A map that is there and wrong is to be mended.
            Err(_) if map.is_none() && !crate::map::is_there() => Self::of_type(name, place, None),
            Err(error) => Err(error),
        }
    }

    /// The provider of a map.
    pub(super) fn in_map(map: Map, name: &str) -> Result<Self, CliError> {
        let found = map.providers().iter().enumerate();
        let found = found
            .filter(|(_, spec)| spec.name == name)
            .map(|(index, spec)| (index, spec.clone()))
            .next();
        let Some((index, spec)) = found else {
            let names: Vec<_> = map.providers().iter().map(|p| p.name.as_str()).collect();
            let shown = crate::output::show(&map.path);
            return Err(CliError::new(
                Status::Usage,
                format!("the map {shown} has no provider {name}"),
                format!("it has {}", names.join(", ")),
            ));
        };
        Ok(Self {
            map,
            index,
            spec,
            is_of_map: true,
        })
    }

    /// A provider by its type.
    pub(super) fn of_type(
        name: &str,
        place: &PlaceOfProvider,
        ca_file: Option<&Path>,
    ) -> Result<Self, CliError> {
        let wrong = |what: String, help: &str| CliError::new(Status::Usage, what, help);
        let fits = match name {
            "infisical" => !place.is_given() || place.site_url.is_some(),
            "connect" => place.host.is_some(),
            "op" => !place.is_given() || place.account.is_some(),
            "vault" => !place.is_given() || place.file.is_some(),
            _ => {
                return Err(wrong(
                    format!("there is no map here, and {name} is no type of provider"),
                    "run it where the map is, or name a type: infisical, connect, op, vault",
                ));
            }
        };
        if !fits {
            return Err(wrong(
                format!("this does not say where {name} is"),
                match name {
                    "infisical" => "say it with --site-url",
                    "connect" => "say it with --host",
                    "op" => "say it with --account",
                    _ => "say it with --file",
                },
            ));
        }
        let file = match &place.file {
            Some(file) => Some(text(file)?),
            None => None,
        };
        let ca_file = match ca_file {
            Some(file) => Some(text(file)?),
            None => None,
        };
        let (settings, entry) = match name {
            "infisical" => (
                vec![
                    ("type", Some("infisical".to_owned())),
                    // Of no project: what signs in is asked, and not what it may see.
                    (
                        "project_id",
                        Some("00000000-0000-0000-0000-000000000000".to_owned()),
                    ),
                    ("site_url", place.site_url.clone()),
                ],
                "name: A",
            ),
            "connect" => (
                vec![
                    ("type", Some("onepassword".to_owned())),
                    ("connect_host", place.host.clone()),
                ],
                "ref: op://secretfs/login/probe",
            ),
            "op" => (
                vec![
                    ("type", Some("onepassword".to_owned())),
                    ("backend", Some("op".to_owned())),
                    ("account", place.account.clone()),
                ],
                "ref: op://secretfs/login/probe",
            ),
            _ => (
                vec![("type", Some("local".to_owned())), ("file", file)],
                "name: A",
            ),
        };
        let settings: Vec<String> = settings
            .into_iter()
            .chain([("ca_file", ca_file)])
            .filter_map(|(key, value)| Some(format!("{key}: {}", quoted(&value?))))
            .collect();
        let text = format!(
            "providers: {{{name}: {{{}}}}}\nsecrets: [{{{entry}, file: a}}]\n",
            settings.join(", ")
        );
        let folder = std::env::current_dir().unwrap_or_else(|_| "/".into());
        let map = Map::of_text(&text, &folder.join("secrets.yml"))?;
        let target = Self::in_map(map, name)?;
        Ok(Self {
            is_of_map: false,
            ..target
        })
    }

    /// The map that the provider is in.
    pub(super) fn map(&self) -> &Map {
        &self.map
    }

    /// Its place in that map.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// The provider.
    pub(crate) fn spec(&self) -> &ProviderSpec {
        &self.spec
    }

    /// Whether somebody wrote that map.
    pub(super) fn is_of_map(&self) -> bool {
        self.is_of_map
    }
}

impl PlaceOfProvider {
    fn is_given(&self) -> bool {
        self.site_url.is_some()
            || self.host.is_some()
            || self.account.is_some()
            || self.file.is_some()
    }
}

/// An absolute path as the map has it.
fn text(file: &Path) -> Result<String, CliError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    file.into_os_string().into_string().map_err(|_| {
        CliError::new(
            Status::Usage,
            "the name of the file is no text",
            "rename it",
        )
    })
}

/// As YAML has it: a JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
