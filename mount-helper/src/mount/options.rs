//! How our mounts are mounted: the options that hold always (contract fuse.md §2.7).

use std::path::PathBuf;

/// Where to mount, and who gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOptions {
    /// Where, as [`crate::place::mountpoint::normalise`] made it.
    pub mountpoint: PathBuf,
    /// Let root in as well. The kernel knows only "all others": the daemon refuses everybody but
    /// root then.
    pub allow_root: bool,
    /// What the table of mounts shows as its source; `None`: our name.
    pub source: Option<String>,
}

impl MountOptions {
    /// What the table of mounts shows as its source.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or("secretfs")
    }

    /// What fusermount3 is told with `-o`.
    #[must_use]
    pub fn fusermount(&self) -> String {
        // It takes a backslash away from what follows one, and ends an option at any other comma.
        let source = self.source().replace('\\', "\\\\").replace(',', "\\,");
        let mut options =
            format!("fsname={source},subtype=secretfs,ro,nosuid,nodev,noexec,default_permissions");
        if self.allow_root {
            options.push_str(",allow_other");
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_source_can_add_an_option() {
        let options = |source: Option<&str>| MountOptions {
            mountpoint: "/m".into(),
            allow_root: false,
            source: source.map(str::to_owned),
        };
        let ours = options(None).fusermount();
        assert!(
            ours.starts_with("fsname=secretfs,subtype=secretfs,ro,"),
            "{ours}"
        );
        let hostile = options(Some("/a,suid\\,b")).fusermount();
        assert!(
            hostile.starts_with("fsname=/a\\,suid\\\\\\,b,subtype="),
            "{hostile}"
        );
    }
}
