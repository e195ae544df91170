//! `site_url:` and `connect_host:`: where a credential is sent to.

use super::Broken;
use crate::map::units::quote;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Checks an address and cuts trailing `/`. A path prefix is kept. Plain http goes to this machine
/// alone, unless the map allows it.
pub(in crate::map) fn check(key: &str, text: &str, insecure: bool) -> Result<String, Broken> {
    let broken = |what: &str, help: String| {
        Err(Broken::new(format!("`{key}` {} {what}", quote(text)), help))
    };
    let example = "write `https://host`, with `:port` and a path where needed".to_owned();
    let Some((scheme, rest)) = text.split_once("://") else {
        return broken(
            "has no scheme",
            format!("write {}", quote(&format!("https://{text}"))),
        );
    };
    if !matches!(scheme, "https" | "http") {
        return broken("is neither https nor http", example);
    }
    if let Some(c) = text
        .chars()
        .find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c))
    {
        return broken(&format!("contains {}", quote(&c.to_string())), example);
    }
    if text.contains(['?', '#']) {
        return broken("has a query or a fragment", example);
    }
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, path),
        None => (rest, ""),
    };
    if authority.contains('@') {
        // Without the text: it may hold a password.
        return Err(Broken::new(
            format!("`{key}` contains a user name"),
            "remove what stands before the `@`: credentials do not belong into a map",
        ));
    }
    let Some(host) = host(authority) else {
        return broken("has no valid host and port", example);
    };
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return broken("has a path with `.` or `..`", example);
    }
    if scheme == "http" && !insecure && !is_loopback(host) {
        return broken(
            "is not encrypted",
            "write `https://`, or set `allow_insecure_http: true` if the network is trusted"
                .to_owned(),
        );
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The host of `host[:port]`, if both are valid.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (
                address,
                rest.strip_prefix(':').or(rest.is_empty().then_some("0")),
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("0")),
        },
    };
    let port = port?;
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if !digits || port.parse::<u16>().is_err() {
        return None;
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let named = host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label);
    (named || authority.starts_with('[')).then_some(host)
}

/// Names and addresses that never leave this machine.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|a| a.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|a| a.is_loopback())
}
