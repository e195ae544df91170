//! A first map of an Infisical project.

use super::draft;
use super::entry::{Entry, SCHEMA, counted, quoted};
use super::walk::{Found, walk};
use crate::args::{InitInfisicalArgs, ProjectArgs};
use crate::error::{CliError, Status};
use crate::map::Map;
use crate::online::{self, Online};
use crate::output::warn;
use secretfs_fs::map::Defaults;
use std::path::Path;

/// Runs the command.
pub(super) fn run(args: &InitInfisicalArgs) -> Result<(), CliError> {
    let output = args.output.output.as_path();
    super::may_write(&args.output)?;
    let head = format!("{SCHEMA}providers:\n{}", head(&args.project)?);
    // Read as a map first: what is wrong with an address or a file is said in the words of the map.
    let probe = format!("{head}secrets:\n  - folder: /\n    dir: all\n");
    let path = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let map = Map::of_text(&probe, &path)?;
    let found = crate::credentials::protected(false, || find(&map, &args.project.path))?;
    tell(&found);
    if found.secrets.is_empty() {
        return Err(CliError::new(
            Status::Other,
            format!(
                "there is no secret below {:?} of {:?}",
                args.project.path, args.project.environment
            ),
            "make one in Infisical first, or name another `--environment` or `--path`",
        ));
    }
    let (text, told) = text(&head, &found, &args.project.path, &path)?;
    super::write(&args.output, &text, &told)
}

/// The provider's part of the map.
pub(super) fn head(args: &ProjectArgs) -> Result<String, CliError> {
    // Written down: the map is to mean the same server where that variable is not set.
    let defaults = Defaults::from_variables(|name| std::env::var(name).ok());
    let site = args.site_url.as_deref().or(defaults.site_url.as_deref());
    let mut settings = vec![("type", "infisical".to_owned())];
    settings.extend(site.map(|site| ("site_url", quoted(site))));
    settings.extend(args.project_id.iter().map(|id| ("project_id", quoted(id))));
    settings.extend(
        args.project_slug
            .iter()
            .map(|slug| ("project_slug", quoted(slug))),
    );
    settings.push(("environment", quoted(&args.environment)));
    if let Some(file) = &args.ca_file {
        settings.push(("ca_file", super::quoted_path(file)?));
    }
    let mut text = "  infisical:\n".to_owned();
    for (key, value) in settings {
        text.push_str(&format!("    {key}: {value}\n"));
    }
    Ok(text)
}

fn find(map: &Map, path: &str) -> Result<Found, CliError> {
    let online = Online::of(map, None)?;
    let Some(provider) = online.providers.first() else {
        return Ok(Found::default());
    };
    online::runtime()?.block_on(walk(provider.as_ref(), path, online.contexts()))
}

fn tell(found: &Found) {
    for path in &found.closed {
        warn(
            &format!("the names in {path:?} may not be listed"),
            "give the identity a role that may see them, or add them by hand",
        );
    }
    if found.is_cut {
        warn(
            "there is more than a first map has room for",
            "start from a folder further down with `--path`",
        );
    }
}

/// The map, and what there is in it.
fn text(head: &str, found: &Found, base: &str, path: &Path) -> Result<(String, String), CliError> {
    let draft = draft::of(&found.secrets, base, |entry| {
        Map::of_text(&format!("{head}secrets:\n{}", entry.yaml()), path).is_ok()
    });
    for name in &draft.left_out {
        warn(
            &format!("{name:?} cannot be the name of a file, and is left out"),
            "add it by hand with a `file:` of another name",
        );
    }
    let text = format!(
        "{head}secrets:\n{}",
        draft.entries.iter().map(Entry::yaml).collect::<String>()
    );
    // It is not written unless it is good.
    let map = Map::of_text(&text, path)?;
    let count = counted(map.entries().len());
    Ok((text, format!("{count}; edit it, then `secretfs mount`")))
}
