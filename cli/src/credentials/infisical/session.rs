//! The session of the `infisical` program: whether somebody is signed in, and to which server. The
//! token itself is not looked at here; the daemon has it from the program.

use super::{Asked, Look, Way, World};
use crate::credentials::protected;
use crate::error::CliError;
use secretfs_mount_helper::programs;
use secretfs_providers::Credential;
use secretfs_providers::infisical::ProgramConfig;
use std::fs::File;
use std::path::Path;

pub(super) fn look(world: &World, asked: &Asked<'_>, insecure: bool) -> Result<Look, CliError> {
    let is_meant = asked.way == Some(Way::Session);
    let absent = |what: &str, help: &str| match is_meant {
        true => Err((what.to_owned(), help.to_owned())),
        false => Ok(None),
    };
    let config = world.home.as_deref().map(programs::infisical_config);
    // Opened before anything is locked: most machines have none.
    let Some(config) = config.and_then(|file| File::open(file).ok()) else {
        return Ok(absent(
            "nobody is signed in to `infisical`",
            "run `infisical login`, then `secretfs unlock`",
        ));
    };
    // It holds a passphrase beside what is wanted.
    let origin = protected(insecure, || {
        Ok(ProgramConfig::read(config).and_then(|config| config.origin()))
    })?;
    let Some(origin) = origin else {
        return Ok(absent(
            "nobody is signed in to `infisical`",
            "run `infisical login`, then `secretfs unlock`",
        ));
    };
    if programs::find(programs::INFISICAL, &world.path, Path::new("/dev/null")).is_none() {
        return Ok(absent(
            "the program `infisical` is not on the PATH, or others could have written it",
            "install it, then run `secretfs unlock`",
        ));
    }
    if origin != asked.server {
        return Ok(Err((
            format!(
                "the session of `infisical` is for {origin}, not for {}",
                asked.server
            ),
            "run `infisical login` with the domain of that server; it is sent to no other"
                .to_owned(),
        )));
    }
    Ok(Ok(Some((Credential::Session, origin))))
}
