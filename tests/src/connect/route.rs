//! Which request is which.

use crate::http_sim::Request;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    /// `GET /v1/vaults`
    Vaults,
    /// `GET /v1/vaults/ID`
    Vault,
    /// `GET /v1/vaults/ID/items`
    Items,
    /// `GET /v1/vaults/ID/items/ID`
    Item,
    /// `GET …/files`
    Files,
    /// `GET …/files/ID`
    File,
    /// `GET …/files/ID/content`
    Content,
    /// `GET /heartbeat`
    Heartbeat,
    /// `GET /health`
    Health,
    /// No server has it, or no reader should call it: a violation.
    Unknown,
}

/// The route, and the ids of its path in their order.
pub(super) fn of(request: &Request, prefix: &str) -> (Route, Vec<String>) {
    let Some(path) = request.path.strip_prefix(prefix) else {
        return (Route::Unknown, Vec::new());
    };
    if request.method != "GET" || !path.starts_with('/') {
        return (Route::Unknown, Vec::new());
    }
    // Names with escapes in a path are no ids, whatever they decode to.
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    match *segments.as_slice() {
        ["heartbeat"] => (Route::Heartbeat, Vec::new()),
        ["health"] => (Route::Health, Vec::new()),
        ["v1", "vaults"] => (Route::Vaults, Vec::new()),
        ["v1", "vaults", vault] => (Route::Vault, own(&[vault])),
        ["v1", "vaults", vault, "items"] => (Route::Items, own(&[vault])),
        ["v1", "vaults", vault, "items", item] => (Route::Item, own(&[vault, item])),
        ["v1", "vaults", vault, "items", item, "files"] => (Route::Files, own(&[vault, item])),
        ["v1", "vaults", vault, "items", item, "files", file] => {
            (Route::File, own(&[vault, item, file]))
        }
        [
            "v1",
            "vaults",
            vault,
            "items",
            item,
            "files",
            file,
            "content",
        ] => (Route::Content, own(&[vault, item, file])),
        _ => (Route::Unknown, Vec::new()),
    }
}
