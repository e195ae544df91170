//! Which request is which. The versions of the API share routes: what a test counts is what was asked,
//! and [`Seen::path`](crate::http_sim::Seen) tells the version.

use super::Generation;
use crate::http_sim::Request;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `POST /api/v1/auth/universal-auth/login`
    Login,
    /// `POST /api/v1/auth/METHOD/login` of another machine auth.
    MachineLogin,
    /// `POST /api/v1/auth/token/renew`
    Renew,
    /// `POST /api/v1/auth/token/revoke`
    Revoke,
    /// `GET /api/v3/secrets/raw/NAME`, `GET /api/v4/secrets/NAME`
    SecretSingle,
    /// `GET …/id/ID`
    SecretById,
    /// `GET /api/v3/secrets/raw`, `GET /api/v4/secrets`
    SecretList,
    /// `GET /api/v1/folders`
    Folders,
    /// `GET /api/v1/secret-imports`
    Imports,
    /// `GET /api/v1/workspace`, `GET /api/v1/projects`
    Projects,
    /// One project, by id or slug.
    Project,
    /// `POST /api/v1/events/subscribe/project-events`
    Events,
    /// `GET /api/status`
    Status,
    /// A route of another generation of servers than this one, or a name that is too long for a route:
    /// "Route … not found". A client may find out that way, so it is no violation.
    Absent,
    /// No server has it, or no reader should call it: a violation.
    Unknown,
}

/// Longer path parameters are no route: Fastify's `maxParamLength` (contract §5).
const MAX_PARAMETER: usize = 100;

/// The other machine auth methods of this server (contract §2).
pub(super) const MACHINE_METHODS: [&str; 8] = [
    "kubernetes-auth",
    "oidc-auth",
    "jwt-auth",
    "azure-auth",
    "gcp-auth",
    "aws-auth",
    "ldap-auth",
    "oci-auth",
];

pub(super) fn of(request: &Request, generation: Generation) -> Route {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match (request.method.as_str(), segments.as_slice()) {
        ("POST", ["api", "v1", "auth", "universal-auth", "login"]) => Route::Login,
        ("POST", ["api", "v1", "auth", "token", "renew"]) => Route::Renew,
        ("POST", ["api", "v1", "auth", "token", "revoke"]) => Route::Revoke,
        ("POST", ["api", "v1", "auth", method, "login"]) if MACHINE_METHODS.contains(method) => {
            Route::MachineLogin
        }
        ("GET", ["api", "v1", "folders"]) => Route::Folders,
        ("GET", ["api", "v1", "secret-imports"]) => Route::Imports,
        ("GET", ["api", "v1", "workspace" | "projects"]) => Route::Projects,
        ("GET", ["api", "v1", "workspace" | "projects", _])
        | ("GET", ["api", "v2", "workspace", _])
        | ("GET", ["api", "v1", "projects", "slug", _]) => Route::Project,
        ("POST", ["api", "v1", "events", "subscribe", "project-events"]) => Route::Events,
        ("GET", ["api", "status"]) => Route::Status,
        ("GET" | "HEAD", ["api", "v3", "secrets", "raw", rest @ ..])
        | ("GET" | "HEAD", ["api", "v4", "secrets", rest @ ..]) => match rest {
            [] => Route::SecretList,
            ["id", _] => Route::SecretById,
            [name] if name.encode_utf16().count() > MAX_PARAMETER => Route::Absent,
            [_] => Route::SecretSingle,
            _ => Route::Unknown,
        },
        _ => Route::Unknown,
    };
    if exists(segments.as_slice(), generation) || route == Route::Unknown {
        route
    } else {
        Route::Absent
    }
}

fn exists(segments: &[&str], generation: Generation) -> bool {
    match segments {
        ["api", "v3", "secrets", ..] => generation != Generation::V4Only,
        ["api", "v4", ..] | ["api", "v1", "projects" | "events", ..] => {
            generation != Generation::V3Only
        }
        _ => true,
    }
}

/// Whether the request is for a route of v4.
pub(super) fn is_v4(request: &Request) -> bool {
    request.path.starts_with("/api/v4/")
}
