//! A bus of the test's own.

use crate::wait;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running `dbus-daemon`. Ends when dropped.
#[derive(Debug)]
pub struct Bus {
    daemon: Child,
    address: String,
}

/// Everybody may say everything: what a client believes is up to it.
const OPEN: &str = r#"
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>"#;

/// As the system bus of Debian has it, but for the includes.
const SYSTEM: &str = r#"
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>"#;

impl Bus {
    /// A bus in `folder` on which everything is allowed.
    #[must_use]
    pub fn open(folder: &Path, name: &str) -> Self {
        Self::start(folder, name, OPEN)
    }

    /// A bus with the policy of a system bus, and that of one service.
    ///
    /// # Panics
    /// The policy's path is not UTF-8.
    #[must_use]
    pub fn system(folder: &Path, policy: &Path) -> Self {
        let include = policy.to_str().expect("UTF-8");
        let rules = format!("{SYSTEM}\n  <include>{include}</include>");
        Self::start(folder, "system", &rules)
    }

    fn start(folder: &Path, name: &str, rules: &str) -> Self {
        let socket: PathBuf = folder.join(format!("{name}.bus"));
        let address = format!("unix:path={}", socket.display());
        let config = folder.join(format!("{name}.conf"));
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig>\n  \
             <listen>{address}</listen>\n  <auth>EXTERNAL</auth>{rules}\n</busconfig>\n"
        );
        std::fs::write(&config, text).expect("a configuration");
        // A bus that was here before leaves its socket when it is killed.
        let _ = std::fs::remove_file(&socket);
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog"])
            .stdin(Stdio::null())
            .spawn()
            .expect("dbus-daemon");
        let bus = Self { daemon, address };
        wait::until("the bus listens", || {
            std::os::unix::net::UnixStream::connect(&socket).ok()
        });
        bus
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.id()
    }

    /// Ends it, as a crash or an update does.
    pub fn kill(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.kill();
    }
}
