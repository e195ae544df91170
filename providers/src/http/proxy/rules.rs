//! `NO_PROXY`, rule by rule as curl reads it (its lib/noproxy.c): names and the names below them,
//! addresses, networks as CIDR, or `*` alone for everything. Ports are no part of it.

use std::net::IpAddr;

/// Whether `host` is reached without a proxy. `ip`: the address that it is, where it is no name.
pub(super) fn excepts(rules: &str, host: &str, ip: Option<IpAddr>) -> bool {
    // A `*` beside others is a name like any other, which no host has.
    if rules == "*" {
        return true;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    rules
        .split([',', ' ', '\t'])
        .filter(|rule| !rule.is_empty())
        .any(|rule| match ip {
            Some(ip) => has_address(rule, ip),
            None => has_name(rule, host),
        })
}

/// `example.com` and `.example.com` are the same: that name, and all below it.
fn has_name(rule: &str, host: &str) -> bool {
    let rule = rule.strip_prefix('.').unwrap_or(rule);
    let rule = rule.strip_suffix('.').unwrap_or(rule);
    if rule.is_empty() {
        return false;
    }
    let (host, rule) = (host.as_bytes(), rule.as_bytes());
    let Some((above, end)) = host
        .len()
        .checked_sub(rule.len())
        .and_then(|at| host.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(rule) && (above.is_empty() || above.ends_with(b"."))
}

/// An address, or a network.
fn has_address(rule: &str, ip: IpAddr) -> bool {
    let (network, bits) = match rule.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (rule, None),
    };
    let network = network.trim_start_matches('[').trim_end_matches(']');
    match (network.parse(), ip) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(ip)) => {
            let (network, ip) = (network.to_bits(), ip.to_bits());
            is_same(network.into(), ip.into(), 32, bits)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(ip)) => {
            is_same(network.to_bits(), ip.to_bits(), 128, bits)
        }
        _ => false,
    }
}

/// Whether the first `bits` of two addresses of `width` bits are the same.
fn is_same(network: u128, ip: u128, width: u32, bits: Option<u32>) -> bool {
    let bits = bits.unwrap_or(width);
    if bits > width {
        return false;
    }
    // Shifting by all of 128 is no shift.
    (network ^ ip).checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &str, host: &str) -> bool {
        excepts(rules, host, host.parse().ok())
    }

    #[test]
    fn names_are_matched_with_the_names_below_them() {
        for rules in [
            "example.com",
            ".example.com",
            "example.com.",
            "EXAMPLE.com",
            "a, example.com",
            "a example.com",
            "a,,example.com,",
        ] {
            for host in [
                "example.com",
                "www.example.com",
                "a.b.Example.COM",
                "example.com.",
            ] {
                assert!(check(rules, host), "{rules} {host}");
            }
            for host in [
                "nonexample.com",
                "example.com.au",
                "com",
                "example.co",
                "xexample.com",
            ] {
                assert!(!check(rules, host), "{rules} {host}");
            }
        }
        assert!(check("localhost,h\u{e9}", "h\u{e9}"));
    }

    #[test]
    fn an_asterisk_is_everything_only_where_it_stands_alone() {
        for host in ["example.com", "10.0.0.1", "2001:db8::1"] {
            assert!(check("*", host));
            for rules in ["*,x", "*.com", "", ",", " ", ".", "*.0.0.1"] {
                assert!(!check(rules, host), "{rules} {host}");
            }
        }
    }

    #[test]
    fn addresses_and_networks_are_compared_as_numbers() {
        for (rules, host, expected) in [
            ("192.168.0.1", "192.168.0.1", true),
            ("192.168.0.1", "192.168.0.10", false),
            ("192.168.0.0/16", "192.168.9.9", true),
            ("192.168.0.0/16", "192.169.0.1", false),
            ("10.1.2.3/31", "10.1.2.2", true),
            ("10.1.2.3/32", "10.1.2.2", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("10.0.0.0/x", "10.0.0.0", false),
            ("10.0.0.0/", "10.0.0.0", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("[2001:db8::1]", "2001:db8:0::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("::/0", "1.2.3.4", false),
            ("0.0.0.0/0", "::1", false),
            // A name is not resolved to find out, and an address has no names below it.
            ("10.0.0.0/8", "ten.example", false),
            ("0.0.1", "10.0.0.1", false),
            (".1", "10.0.0.1", false),
        ] {
            assert_eq!(check(rules, host), expected, "{rules} {host}");
        }
    }

    #[test]
    fn ports_are_no_part_of_a_rule() {
        assert!(!check("example.com:443", "example.com"));
    }
}
