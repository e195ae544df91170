//! Which shell runs us: the parent process, as /proc names it. Anything unknown is sh.

use super::Shell;
use std::path::Path;

/// The shell of the parent process.
pub(super) fn parent_shell() -> Shell {
    let Some(parent) = rustix::process::getppid() else {
        return Shell::Sh;
    };
    let folder = Path::new("/proc").join(parent.as_raw_nonzero().to_string());
    // The link cannot be read where the parent is another user's; its name still can.
    std::fs::read_link(folder.join("exe"))
        .ok()
        .and_then(|exe| exe.file_name()?.to_str().map(str::to_owned))
        .or_else(|| std::fs::read_to_string(folder.join("comm")).ok())
        .map_or(Shell::Sh, |name| shell_of(&name))
}

/// The shell that an executable of this name is.
fn shell_of(name: &str) -> Shell {
    let name = name.trim_end();
    // The kernel appends it to the name of an executable that was replaced by an upgrade.
    match name.strip_suffix(" (deleted)").unwrap_or(name) {
        "bash" | "rbash" => Shell::Bash,
        "zsh" | "zsh5" => Shell::Zsh,
        "fish" => Shell::Fish,
        "nu" => Shell::Nu,
        "pwsh" | "pwsh-preview" | "powershell" => Shell::Powershell,
        _ => Shell::Sh,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_the_name_of_its_executable() {
        assert_eq!(shell_of("bash"), Shell::Bash);
        assert_eq!(shell_of("zsh\n"), Shell::Zsh);
        assert_eq!(shell_of("fish (deleted)"), Shell::Fish);
        assert_eq!(shell_of("nu"), Shell::Nu);
        assert_eq!(shell_of("pwsh"), Shell::Powershell);
    }

    #[test]
    fn anything_unknown_is_sh() {
        for name in [
            "dash",
            "busybox",
            "ksh93",
            "make",
            "python3.13",
            "",
            "fish2",
        ] {
            assert_eq!(shell_of(name), Shell::Sh, "{name}");
        }
    }
}
