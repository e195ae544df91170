//! What no client should have said in a request.

use super::ids;
use super::route::Route;
use crate::http_sim::Request;

/// What is wrong with it.
pub(super) fn violations(route: Route, ids: &[String], request: &Request) -> Vec<String> {
    let mut all = Vec::new();
    let mut wrong = |what: String| all.push(what);
    if route == Route::Unknown {
        wrong("no server has this route, or no reader should call it".into());
        return all;
    }
    if !request.body.is_empty() {
        wrong("a body where none belongs".into());
    }
    for id in ids.iter().filter(|id| !ids::is(id)) {
        wrong(format!("{id:?} in the path is no id"));
    }
    let known: &[&str] = match route {
        Route::Vaults | Route::Items => &["filter"],
        Route::Files | Route::File => &["inline_files"],
        _ => &[],
    };
    for (name, _) in &request.query {
        if !known.contains(&name.as_str()) {
            wrong(format!("an unknown query parameter `{name}`"));
        }
    }
    if request.query.len() > 1 {
        wrong("more than one query parameter".into());
    }
    let headers = |name: &str| {
        request
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .count()
    };
    if matches!(route, Route::Heartbeat | Route::Health) {
        if headers("authorization") > 0 {
            wrong("an Authorization header where none belongs".into());
        }
        return all;
    }
    if headers("authorization") != 1 {
        wrong("not one Authorization header".into());
    }
    let accept = request.header("accept").unwrap_or("*/*");
    let is_right = match route {
        Route::Content => accept == "*/*" || accept == "application/octet-stream",
        _ => accept == "*/*" || accept == "application/json",
    };
    if !is_right {
        wrong(format!("accepts {accept}, which is not what comes"));
    }
    if headers("if-none-match") > 0 {
        wrong("a conditional request, which the server does not know".into());
    }
    all
}
