//! Stands in for 1Password's `op`. See `tests/src/op`.

use secretfs_tests::op::{Account, Act, Call, FOLDER, Item, Vault};
use secretfs_tests::script::from_hex;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What may be in the environment.
const ALLOWED: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "DBUS_SESSION_BUS_ADDRESS",
    "OP_ACCOUNT",
    "OP_CONFIG_DIR",
    "OP_BIOMETRIC_UNLOCK_ENABLED",
    "OP_LOAD_DESKTOP_APP_SETTINGS",
    "OP_CACHE",
    "HTTPS_PROXY",
    "NO_PROXY",
    TOKEN,
];
const TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";

fn main() -> ExitCode {
    let home = std::env::var_os("HOME").expect("HOME");
    let folder = PathBuf::from(home).join(FOLDER);
    let text = std::fs::read(folder.join("account.json")).expect("an account");
    let account: Account = serde_json::from_slice(&text).expect("an account");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let act = begin(&folder, &account, &args);
    let answer = || answer(&account, &args);
    match act {
        Act::Answer => give(answer()),
        Act::Prompt => {
            wait(&folder);
            give(answer())
        }
        Act::PromptThenFail(text) => {
            wait(&folder);
            fail(&text)
        }
        Act::Fail(text) => fail(&text),
        Act::HalfThenFail(text) => {
            half(answer());
            fail(&text)
        }
        Act::HalfThenHang => {
            half(answer());
            hang()
        }
        Act::Hang => {
            let child = std::process::Command::new("sleep").arg("600").spawn();
            std::fs::write(folder.join("child"), child.expect("sleep").id().to_string())
                .expect("a file");
            hang()
        }
        Act::Print(hex) => give(Ok(from_hex(&hex))),
        Act::Flood => loop {
            if std::io::stdout().write_all(&[b'x'; 4096]).is_err() {
                return ExitCode::FAILURE;
            }
        },
        Act::Die => {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
                .expect("kill");
            ExitCode::FAILURE
        }
    }
}

/// Writes itself down, and takes the next act.
fn begin(folder: &Path, account: &Account, args: &[String]) -> Act {
    let lock = File::create(folder.join("lock")).expect("a lock");
    lock.lock().expect("a lock");
    let pid = std::process::id();
    let token = std::env::var(TOKEN).ok();
    let call = Call {
        pid,
        args: args.to_vec(),
        environment: std::env::vars().map(|(name, _)| name).collect(),
        token: token
            .as_ref()
            .map(|token| Some(token) == account.token.as_ref()),
        running: running(folder, pid),
        violations: violations(account, args),
    };
    // Taken before it is seen to have started: it may be killed from then on, and another would take it again.
    let file = folder.join("next.json");
    let next = std::fs::read(&file).unwrap_or_default();
    let mut next: Vec<Act> = serde_json::from_slice(&next).unwrap_or_default();
    let act = if next.is_empty() {
        Act::Answer
    } else {
        let act = next.remove(0);
        std::fs::write(file, serde_json::to_vec(&next).expect("JSON")).expect("a file");
        act
    };
    let mut log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("a log");
    let line = serde_json::to_string(&call).expect("JSON");
    writeln!(log, "{line}").expect("a log");
    act
}

/// How many run: those that have written themselves down and are alive.
fn running(folder: &Path, pid: u32) -> usize {
    let file = folder.join("running");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    let is_alive = |pid: &&str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    let mut alive: Vec<String> = before.lines().filter(is_alive).map(str::to_owned).collect();
    alive.push(pid.to_string());
    std::fs::write(file, alive.join("\n")).expect("a file");
    alive.len()
}

fn violations(account: &Account, args: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _) in std::env::vars() {
        if !ALLOWED.contains(&name.as_str()) && !name.starts_with("XDG_") {
            found.push(format!("{name} in the environment"));
        }
    }
    if std::env::var("OP_CACHE").as_deref() != Ok("false") {
        found.push("OP_CACHE is not false".to_owned());
    }
    let stdin = std::fs::read_link("/proc/self/fd/0").unwrap_or_default();
    if stdin != Path::new("/dev/null") {
        found.push(format!("standard input is {}", stdin.display()));
    }
    if rustix::process::getpgrp() != rustix::process::getpid() {
        found.push("not in a process group of its own".to_owned());
    }
    if std::env::current_dir().ok().as_deref() != Some(Path::new("/")) {
        found.push("not in /".to_owned());
    }
    if asked(account, args).is_none() {
        found.push(format!("asked with {args:?}"));
    }
    found
}

/// What it is asked.
enum Asked<'a> {
    Item(&'a str, &'a str),
    Items(&'a str),
    Read(&'a str),
}

fn asked<'a>(account: &Account, args: &'a [String]) -> Option<Asked<'a>> {
    let mut rest: Vec<&str> = args.iter().map(String::as_str).collect();
    let of = account.account.as_ref().map(|of| format!("--account={of}"));
    match of {
        Some(of) => {
            let at = rest.iter().position(|arg| *arg == of)?;
            rest.remove(at);
        }
        None if rest.iter().any(|arg| arg.starts_with("--account")) => return None,
        None => {}
    }
    match rest.as_slice() {
        ["item", "get", "--format=json", vault, "--", item] if item.starts_with('-') => {
            Some(Asked::Item(vault.strip_prefix("--vault=")?, item))
        }
        ["item", "get", "--format=json", vault, item] if !item.starts_with('-') => {
            Some(Asked::Item(vault.strip_prefix("--vault=")?, item))
        }
        ["item", "list", "--format=json", vault] => {
            Some(Asked::Items(vault.strip_prefix("--vault=")?))
        }
        ["read", "--no-newline", reference] => Some(Asked::Read(reference.strip_prefix("op://")?)),
        _ => None,
    }
}

fn is(name: &str, id: &str, asked: &str) -> bool {
    id == asked || name.to_lowercase() == asked.to_lowercase()
}

fn answer(account: &Account, args: &[String]) -> Result<Vec<u8>, String> {
    if std::env::var(TOKEN).ok() != account.token {
        return Err("(401) Unauthorized: invalid bearer token".to_owned());
    }
    match asked(account, args).ok_or("unknown flag")? {
        Asked::Item(vault, title) => {
            let (vault, item) = find(account, vault, title)?;
            Ok(json(vault, item))
        }
        Asked::Items(vault) => Ok(list(of_name(account, vault)?)),
        Asked::Read(path) => {
            let parts: Vec<&str> = path.split('/').collect();
            let [vault, title, .., field] = parts.as_slice() else {
                return Err("too few '/'".to_owned());
            };
            let (_, item) = find(account, vault, title)?;
            let bytes = item.files.get(*field);
            bytes.map(|hex| from_hex(hex)).ok_or_else(|| {
                format!("could not read secret 'op://{path}': item '{vault}/{title}' does not have a field '{field}'")
            })
        }
    }
}

fn find<'a>(
    account: &'a Account,
    vault: &str,
    title: &str,
) -> Result<(&'a Vault, &'a Item), String> {
    let found = of_name(account, vault)?;
    let items: Vec<_> = found
        .items
        .iter()
        .filter(|of| is(&of.title, &of.id, title))
        .collect();
    match items.as_slice() {
        [] => Err(format!(
            "\"{title}\" isn't an item in the \"{vault}\" vault. Specify the item with its UUID, name, or domain."
        )),
        [item] => Ok((found, item)),
        several => {
            let lines: String = several
                .iter()
                .map(|of| {
                    format!(
                        "\n\t* for the item \"{}\" in vault {}: {}",
                        of.title, found.name, of.id
                    )
                })
                .collect();
            Err(format!(
                "More than one item matches \"{title}\". Try again and specify the item by its ID: {lines}"
            ))
        }
    }
}

fn of_name<'a>(account: &'a Account, vault: &str) -> Result<&'a Vault, String> {
    let found = account.vaults.iter().find(|of| is(&of.name, &of.id, vault));
    found.ok_or_else(|| {
        format!("\"{vault}\" isn't a vault in this account. Specify the vault with its ID or name.")
    })
}

/// Without what is in the items, and with what nobody asked for.
fn list(vault: &Vault) -> Vec<u8> {
    let items = vault.items.iter().map(|item| {
        json!({
            "id": item.id, "title": item.title, "version": item.version,
            "vault": {"id": vault.id, "name": vault.name}, "category": "LOGIN",
            "last_edited_by": "2BBUFQPMKNDGHPFAQRBHPSRBEY", "additional_information": "me@example.com",
            "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-05-01T08:00:00Z",
            "urls": [{"label": "website", "primary": true, "href": "https://example.com"}],
        })
    });
    serde_json::to_vec_pretty(&items.collect::<Vec<_>>()).expect("JSON")
}

fn json(vault: &Vault, item: &Item) -> Vec<u8> {
    let fields: Vec<Value> = item
        .fields
        .iter()
        .map(|hex| serde_json::from_slice(&from_hex(hex)).expect("a field"))
        .collect();
    let files: Vec<Value> = item
        .files
        .iter()
        .enumerate()
        .map(|(n, (name, hex))| json!({"id": format!("f{n:0>25}"), "name": name, "size": hex.len() / 2}))
        .collect();
    let all = json!({
        "id": item.id, "title": item.title, "version": item.version,
        "vault": {"id": vault.id, "name": vault.name}, "category": "LOGIN",
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-05-01T08:00:00Z",
        "fields": fields, "files": files,
    });
    serde_json::to_vec_pretty(&all).expect("JSON")
}

fn give(answer: Result<Vec<u8>, String>) -> ExitCode {
    match answer {
        Ok(bytes) => match std::io::stdout().write_all(&bytes) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(text) => fail(&text),
    }
}

fn half(answer: Result<Vec<u8>, String>) {
    let bytes = answer.unwrap_or_default();
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    let mut out = std::io::stdout();
    let _ = out.write_all(half).and_then(|()| out.flush());
}

fn fail(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "[ERROR] 2024/05/01 08:00:00 {text}");
    ExitCode::FAILURE
}

fn wait(folder: &Path) {
    let mut go = File::open(folder.join("go")).expect("a fifo");
    go.read_exact(&mut [0]).expect("a fifo");
}

fn hang() -> ExitCode {
    loop {
        std::thread::park();
    }
}
