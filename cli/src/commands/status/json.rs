//! `status --json` (product.md, "Places and formats"). Its shape is a promise: scripts read it.

use crate::error::{CliError, Status};
use secretfs_fs::link::message::{FileStatus, StatusPage};
use secretfs_mount_helper::control::{MountState, MountStatus};
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    mounts: Vec<Mount<'a>>,
}

#[derive(Serialize)]
struct Mount<'a> {
    mountpoint: String,
    map: String,
    state: MountState,
    /// None where no process is left: the lock has ended them, a record waits for `unlock`.
    pid: Option<u32>,
    memory: Memory,
    protections: Option<Protections<'a>>,
    triggers: &'a [String],
    providers: Vec<Provider<'a>>,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct Memory {
    locked_bytes: u64,
    heap_bytes: u64,
    sealed_bytes: u64,
    limit_bytes: u64,
    insecure: bool,
}

#[derive(Serialize)]
struct Protections<'a> {
    memfd_secret: bool,
    no_core: bool,
    not_dumpable: bool,
    no_new_privs: bool,
    seccomp: bool,
    /// `full`, `no-scopes`, `no-tcp`, `absent`.
    landlock: &'a str,
}

#[derive(Serialize)]
struct Provider<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    health: &'a str,
    last_error: Option<Failure<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct File<'a> {
    path: String,
    cached: bool,
    stale: bool,
    age_s: Option<u64>,
    ttl_s: Option<u64>,
    size: Option<u64>,
    last_error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    message: &'a str,
    help: &'a str,
}

/// The whole answer as a command prints it.
pub(super) fn text(mounts: &[MountStatus]) -> Result<String, CliError> {
    render(mounts).map_err(|error| {
        let message = format!("cannot write the status: {error}");
        CliError::new(Status::Other, message, "")
    })
}

/// The whole answer, with a final newline.
pub(super) fn render(mounts: &[MountStatus]) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Report {
        version: 1,
        mounts: mounts.iter().map(mount).collect(),
    })?;
    text.push('\n');
    Ok(text)
}

fn mount(status: &MountStatus) -> Mount<'_> {
    let page = status.daemon.as_ref();
    Mount {
        mountpoint: status.mountpoint.to_string_lossy().into_owned(),
        map: status.map.to_string_lossy().into_owned(),
        state: status.state,
        pid: (status.pid != 0).then_some(status.pid),
        memory: Memory {
            locked_bytes: page.map_or(0, |page| page.locked_bytes),
            heap_bytes: page.map_or(0, |page| page.heap_bytes),
            sealed_bytes: page.map_or(0, |page| page.sealed_bytes),
            limit_bytes: page.map_or(0, |page| page.limit_bytes),
            insecure: page.is_some_and(|page| page.insecure),
        },
        protections: page.map(protections),
        triggers: &status.triggers,
        providers: providers(status, page),
        files: super::rows(status).map(file).collect(),
    }
}

fn protections(page: &StatusPage) -> Protections<'_> {
    let on = &page.protections;
    Protections {
        memfd_secret: page.secretmem,
        no_core: on.no_core,
        not_dumpable: on.not_dumpable,
        no_new_privs: on.no_new_privs,
        seccomp: on.seccomp,
        landlock: &on.landlock,
    }
}

fn providers<'a>(status: &'a MountStatus, page: Option<&'a StatusPage>) -> Vec<Provider<'a>> {
    status
        .providers
        .iter()
        .enumerate()
        .map(|(i, (name, kind))| {
            let seen = page.and_then(|page| page.providers.get(i));
            Provider {
                name,
                kind,
                health: seen.map_or("unknown", |seen| seen.health.as_str()),
                last_error: seen.and_then(|seen| seen.last_error.as_ref()).map(
                    |(message, help)| Failure {
                        errno: None,
                        message,
                        help,
                    },
                ),
                note: seen.and_then(|seen| seen.note.as_deref()),
            }
        })
        .collect()
}

fn file(row: super::Row<'_>) -> File<'_> {
    let seen: Option<&FileStatus> = row.seen;
    File {
        path: row.path,
        cached: seen.is_some_and(|seen| seen.cached),
        stale: seen.is_some_and(|seen| seen.stale),
        age_s: seen.and_then(|seen| seen.age_ms).map(|ms| ms / 1000),
        ttl_s: row.ttl_ms.map(|ms| ms / 1000),
        size: seen.and_then(|seen| seen.size),
        last_error: seen
            .and_then(|seen| seen.last_error.as_ref())
            .map(|(errno, message, help)| Failure {
                errno: Some(*errno),
                message,
                help,
            }),
    }
}
