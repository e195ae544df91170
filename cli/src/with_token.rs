//! The exec stub: a process that reads a token from its standard input, which comes from the daemon and
//! was read by nobody on the way, into locked memory, and becomes a program that has it in its
//! environment. `op` takes it no other way (architecture.md, "Credentials").

use secrecy::{ExposeSecret, SecretString};
use secretfs_memory::heap::{self, HeapConfig};
use secretfs_memory::{harden, limit};
use secretfs_mount_helper::role::INSECURE;
use secretfs_providers::onepassword::op::TOKEN;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use zeroize::Zeroizing;

/// The longest token.
const MAX_TOKEN: usize = 4096;

/// Runs the role. After it come a word about memory, the program, and its arguments. Returns only where
/// it failed; then it says nothing, because what it would say is taken for the program's.
pub(crate) fn run() -> ExitCode {
    let mut arguments = std::env::args_os().skip(2);
    let insecure = arguments.next().is_some_and(|word| word == INSECURE);
    let Some(program) = arguments.next() else {
        return ExitCode::FAILURE;
    };
    let arguments: Vec<OsString> = arguments.collect();
    if harden::no_dumps().is_err() || lock(insecure).is_none() {
        return ExitCode::FAILURE;
    }
    let Some(token) = read() else {
        return ExitCode::FAILURE;
    };
    // The helper may be killed while this one prompts: then nobody would end it.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env(TOKEN, token.expose_secret())
        .stdin(Stdio::null());
    let _not_started = command.exec();
    ExitCode::FAILURE
}

/// What is read, and the environment that is made of it, are locked.
fn lock(insecure: bool) -> Option<()> {
    let plan = limit::plan_command(insecure).ok()?;
    heap::lock(HeapConfig {
        initial: plan.heap.min(128 << 10),
        limit: plan.heap,
        insecure,
        wipe_large: true,
    })
    .ok()
}

fn read() -> Option<SecretString> {
    // Never grows: a copy would be left behind.
    let mut bytes = Zeroizing::new(vec![0; MAX_TOKEN + 1]);
    let mut have = 0;
    loop {
        let rest = bytes.get_mut(have..).filter(|rest| !rest.is_empty())?;
        match rustix::io::read(rustix::stdio::stdin(), rest).ok()? {
            0 => break,
            n => have += n,
        }
    }
    let text = std::str::from_utf8(bytes.get(..have)?).ok()?;
    (!text.is_empty() && !text.contains('\0')).then(|| SecretString::from(text))
}
