//! From a path to a map: opened once, checked and read through that one descriptor, so that nothing
//! can be exchanged in between.

use super::ready::{TextDigest, digest};
use super::{LONGEST_TEXT, Map, MapErrors, World, parse_with};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use std::io::Read;
use std::path::Path;

/// Loads the map at an absolute path: a regular file, owned by the user or root, not writable by
/// others.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, world: &World) -> Result<Map, MapErrors> {
    with_digest(path, world).map(|(map, _)| map)
}

/// The same, with the digest of the text that was read.
///
/// # Errors
/// As [`load`].
pub fn with_digest(path: &Path, world: &World) -> Result<(Map, TextDigest), MapErrors> {
    let text = read(path, world.uid)?;
    let defaults = world.defaults_of(path);
    let map = parse_with(&text, path, world.home.as_deref(), &defaults)?;
    Ok((map, digest(&text)))
}

/// The checked text of the map at `path`.
///
/// # Errors
/// It cannot be read, or must not be trusted.
pub fn read(path: &Path, uid: u32) -> Result<String, MapErrors> {
    let failed = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => "write one, or name another with `--map`",
            _ => "make it readable, or name another with `--map`",
        };
        MapErrors::of_file(
            path,
            format!("cannot be read: {error}"),
            Some(help.to_owned()),
        )
    };
    // NONBLOCK: a FIFO of that name must not hang the command.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
    let stat = rustix::fs::fstat(&file).map_err(|e| failed(e.into()))?;
    if let Some((message, help)) = distrust(&stat, uid, path) {
        return Err(MapErrors::of_file(path, message, Some(help)));
    }
    let limit = u64::try_from(LONGEST_TEXT).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    std::fs::File::from(file)
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > LONGEST_TEXT {
        return Err(too_long(path));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        MapErrors::of_file(
            path,
            format!("is not UTF-8 in line {line}"),
            Some("save it as UTF-8".to_owned()),
        )
    })
}

/// The text of a short file beside a map that must be as trustworthy; `None`: it is not, or is none.
pub(super) fn small(path: &Path, uid: u32, longest: u64) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if distrust(&stat, uid, path).is_some() {
        return None;
    }
    let mut text = String::new();
    let mut file = std::fs::File::from(file).take(longest);
    file.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Why a file must not be used as a map, and what to do.
fn distrust(stat: &Stat, uid: u32, path: &Path) -> Option<(String, String)> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Some((
            "is not a regular file".to_owned(),
            "name a file with `--map`".to_owned(),
        ));
    }
    if stat.st_uid != uid && stat.st_uid != 0 {
        return Some((
            format!("belongs to the user {}, not to you or root", stat.st_uid),
            "copy it, or change its owner: who owns the map chooses what is shown".to_owned(),
        ));
    }
    if stat.st_mode & 0o022 != 0 {
        return Some((
            format!(
                "can be written by others (mode {:04o})",
                stat.st_mode & 0o7777
            ),
            format!("run `chmod go-w {}`", path.display()),
        ));
    }
    None
}

/// A text beyond [`LONGEST_TEXT`].
pub(super) fn too_long(path: &Path) -> MapErrors {
    MapErrors::of_file(
        path,
        format!("is longer than {} MiB", LONGEST_TEXT >> 20),
        Some("split the map".to_owned()),
    )
}
