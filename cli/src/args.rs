//! The command line.
#![allow(
    rustdoc::bare_urls,
    reason = "these comments are the help, which shows them as they are"
)]

mod init;

pub(crate) use init::{
    Connect, EnvNames, InitEnvArgs, InitEnvrcArgs, InitFrom, InitInfisicalArgs,
    InitOnePasswordArgs, InitTazpodArgs, InitVaultArgs, InitWords, OutputArg, ProjectArgs,
};

use crate::env::Shell;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// How headings, words and places for words are shown.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Shows the secrets of a vault as read-only files
///
/// The files named in secrets.yml appear below the mountpoint, are fetched when a tool first opens
/// them, held only in locked memory, and gone the moment the screen locks.
#[derive(Debug, Parser)]
#[command(
    name = "secretfs",
    version,
    styles = STYLES,
    max_term_width = 80,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    subcommand_help_heading = "Commands",
    after_help = "Example:\n  \
        secretfs vault init\n  \
        secretfs vault set KUBE_CONFIG --from ~/.kube/config\n  \
        secretfs init vault\n  \
        secretfs mount\n  \
        eval \"$(secretfs env)\"\n  \
        kubectl get pods\n\n\
        Exit status: 0 ok, 2 usage, 3 bad map, 4 credential, 5 provider unreachable,\n\
        6 mount, 1 anything else."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Mount the map's secrets, and return when files can be opened
    ///
    /// Creates the mountpoint if it is missing. On a terminal, asks for the passphrase of a local
    /// vault; elsewhere mounts all the same, and opens answer "Required key not available" until
    /// `secretfs unlock` or `secretfs login`.
    #[command(after_help = "Examples:\n  \
        secretfs mount\n  \
        secretfs mount --map deploy/secrets.yml /run/user/1000/deploy\n  \
        secretfs mount --passphrase-file /run/credentials/vault < /dev/null")]
    Mount(MountArgs),

    /// Wipe and unmount, also when files are open
    #[command(
        visible_alias = "umount",
        after_help = "Examples:\n  secretfs unmount\n  secretfs unmount ~/secrets\n  secretfs unmount --all"
    )]
    Unmount(TargetArgs),

    /// Wipe the secrets and refuse every open, as a screen lock does
    #[command(after_help = "Examples:\n  secretfs lock --all; swaylock\n  secretfs lock ~/secrets")]
    Lock(TargetArgs),

    /// Serve again after a lock, or mount what a lock unmounted
    #[command(
        after_help = "Examples:\n  secretfs unlock\n  secretfs unlock --all --passphrase-file ~/.vault-passphrase"
    )]
    Unlock(UnlockArgs),

    /// Ask for a credential, try it, and keep it in the keyring
    ///
    /// It is asked for on the terminal, without echo; where standard input is none, it is read from
    /// there, one field a line: client id and client secret of Infisical, or one token, or a vault's
    /// passphrase. It is tried at once, and stored for that server and no other: in the desktop's
    /// keyring, else in the kernel's, which a reboot empties. Running mounts get it.
    #[command(after_help = "Examples:\n  \
        secretfs login infisical\n  \
        secretfs login infisical --method token < token\n  \
        secretfs login vault\n  \
        secretfs login connect --host https://connect.example.internal")]
    Login(LoginArgs),

    /// Take a credential out of the keyring, and lock what uses it
    #[command(after_help = "Examples:\n  secretfs logout infisical\n  secretfs logout --all")]
    Logout(LogoutArgs),

    /// Show mounts, providers, and each file: cached, age, last error
    #[command(after_help = "Examples:\n  \
        secretfs status\n  \
        secretfs status --watch\n  \
        secretfs status --json | jq '.mounts[].files[] | select(.last_error)'")]
    Status(StatusArgs),

    /// Print the variables that point to the files, for `eval`
    ///
    /// Paths, not values. Needs no mount and no network. The shell is the one that runs the command,
    /// unless --shell says another; anything unknown is sh.
    #[command(after_help = "Examples:\n  \
        eval \"$(secretfs env)\"                          sh, bash, zsh\n  \
        secretfs env | source                           fish\n  \
        secretfs env --shell json | from json | load-env    nu\n  \
        secretfs env | Out-String | Invoke-Expression   powershell\n  \
        secretfs env --shell systemd > app.env          EnvironmentFile=")]
    Env(EnvArgs),

    /// Run one command with a mount of its own
    ///
    /// The command gets the variables that `secretfs env` prints, with the files of a mount that is
    /// gone when it ends, however it ends. A screen lock seals it. The exit status, signals and the
    /// terminal are the command's own; 126 and 127 as in a shell.
    #[command(after_help = "Examples:\n  \
        secretfs run -- kubectl get pods\n  \
        secretfs run --only KUBECONFIG -- helm list\n  \
        secretfs run --private -- ./deploy.sh\n  \
        secretfs run --inject -- node server.js")]
    Run(RunArgs),
    /// Print what makes a shell set the variables by itself
    ///
    /// In a folder whose map is mounted, the prompt sets the map's variables (paths, not values); when the
    /// folder is left or the mount goes, they are again what they were. Nothing of a folder is run.
    #[command(after_help = "Examples:\n  \
        eval \"$(secretfs hook bash)\"       in ~/.bashrc\n  \
        eval \"$(secretfs hook zsh)\"        in ~/.zshrc\n  \
        secretfs hook fish | source         in ~/.config/fish/config.fish")]
    Hook(HookArgs),

    /// Validate the map, and with --online that each secret exists
    ///
    /// --online asks every provider whether each secret exists and may be read, without showing it.
    #[command(
        after_help = "Examples:\n  secretfs check\n  secretfs check --online --map deploy/secrets.yml"
    )]
    Check(CheckArgs),

    /// Write a first map
    ///
    /// From the names that a provider has, or from a file in which secrets or references were kept until
    /// now. No value is written. Asks on a terminal where nothing is said. Edit the map then: take out what
    /// you do not want as a file.
    #[command(
        subcommand_help_heading = "From",
        after_help = "Examples:\n  \
            secretfs init\n  \
            secretfs init env .env && secretfs vault import .env\n  \
            secretfs init envrc .envrc\n  \
            secretfs init infisical --project-id 73c7a1f0-… --environment dev\n  \
            secretfs init onepassword --vault Prod\n  \
            secretfs init tazpod secrets.yml --force"
    )]
    Init {
        /// From what.
        #[command(subcommand)]
        from: Option<InitFrom>,
    },

    /// Forget cached values: the next open fetches them again
    #[command(after_help = "Examples:\n  \
        secretfs refresh\n  \
        secretfs refresh kubeconfig openai/api-key\n  \
        secretfs refresh ~/secrets/kubeconfig")]
    Refresh(RefreshArgs),

    /// Make and change a local vault, an age-encrypted file
    #[command(
        arg_required_else_help = true,
        subcommand_help_heading = "Commands",
        after_help = "Examples:\n  \
            secretfs vault init\n  \
            secretfs vault set KUBE_CONFIG --from ~/.kube/config\n  \
            secretfs vault import .env"
    )]
    Vault {
        /// What to do with it.
        #[command(subcommand)]
        command: crate::vault::VaultCommand,
    },

    /// Say whether a mount would work here, and what to mend
    #[command(after_help = "Ends with 1 where no mount would work.\n\nExamples:\n  \
        secretfs doctor\n  \
        secretfs doctor --json | jq '.checks[] | select(.state != \"ok\")'")]
    Doctor(DoctorArgs),

    /// Show who opened what, when, with which result
    ///
    /// Of all mounts of this user, oldest first. It names the program, its process and the file, and
    /// never holds a value. The file itself is audit.jsonl in ~/.local/state/secretfs.
    #[command(after_help = "Examples:\n  \
        secretfs audit\n  \
        secretfs audit --follow\n  \
        secretfs audit --json | jq 'select(.errno != 0)'")]
    Audit(AuditArgs),

    /// Print the completions of a shell
    ///
    /// In bash, zsh and fish they know the files, variables and providers of the map and the mounts too.
    #[command(after_help = "Examples:\n  \
        source <(secretfs completions bash)    in ~/.bashrc\n  \
        source <(secretfs completions zsh)     in ~/.zshrc, after compinit\n  \
        secretfs completions fish | source     in ~/.config/fish/config.fish")]
    Completions(CompletionsArgs),

    /// Print a manual page, or write all of them
    #[command(after_help = "Examples:\n  \
        secretfs man | man -l -\n  \
        secretfs man vault init | man -l -\n  \
        secretfs man --dir ~/.local/share/man/man1")]
    Man(ManArgs),
}

/// Which map.
#[derive(Debug, Args)]
pub(crate) struct MapArg {
    /// The map [default: $SECRETFS_MAP, else secrets.yml from here upwards, else
    /// ~/.config/secretfs/secrets.yml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) map: Option<PathBuf>,
}

/// Where the vault's passphrase comes from.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArg {
    /// Read the vault's passphrase from FILE; one final newline is dropped
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Credentials")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// `mount`.
#[derive(Debug, Args)]
pub(crate) struct MountArgs {
    /// Where to mount [default: the map's mountpoint, else ~/secrets]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) mountpoint: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) map: MapArg,
    /// Stay in the foreground until unmounted, and log to standard error
    #[arg(long, short)]
    pub(crate) foreground: bool,
    /// Use local vaults and fallbacks only, never a network
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArg,
    /// Go on with memory that cannot be locked; secrets may then reach the swap
    #[arg(long, help_heading = "Weaker protection")]
    pub(crate) insecure_memory: bool,
    /// Let root read the files as well (needs user_allow_other in /etc/fuse.conf)
    #[arg(long, help_heading = "Weaker protection")]
    pub(crate) allow_root: bool,
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) map: MapArg,
    /// Give it these alone: files or variables of the map
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Show the files to the command and its children alone
    ///
    /// In a namespace of their own, where set-user-id programs (sudo, ping) do not work.
    #[arg(long)]
    pub(crate) private: bool,
    /// Put the values themselves into the variables, and mount nothing
    ///
    /// For what can read nothing else. Every child of the command has them, and so has who can read
    /// its /proc/PID/environ.
    #[arg(long, conflicts_with_all = ["private", "offline"])]
    pub(crate) inject: bool,
    /// Use local vaults and fallbacks only, never a network
    #[arg(long)]
    pub(crate) offline: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArg,
    /// Go on with memory that cannot be locked; secrets may then reach the swap
    #[arg(long, help_heading = "Weaker protection", conflicts_with = "inject")]
    pub(crate) insecure_memory: bool,
    /// What to run, after `--`
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true,
        value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

/// Which mounts: `unmount`, `lock`, `unlock`.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// Which mount [default: the one of the map found from here, else the only one]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) mountpoint: Option<PathBuf>,
    /// Every mount of this user
    #[arg(long, conflicts_with = "mountpoint")]
    pub(crate) all: bool,
}

/// `unlock`.
#[derive(Debug, Args)]
pub(crate) struct UnlockArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArg,
}

/// `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// What Infisical is signed in to with [default: the map's `auth`, else universal]
    #[arg(long, value_enum)]
    pub(crate) method: Option<LoginMethod>,
    #[command(flatten)]
    pub(crate) which: ProviderArgs,
    /// Certificates to trust beside the system's, where there is no map that says so
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Without a map")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Go on with memory that cannot be locked; secrets may then reach the swap
    #[arg(long, help_heading = "Weaker protection")]
    pub(crate) insecure_memory: bool,
}

/// Which provider: of the map, or by what it is.
#[derive(Debug, Args)]
pub(crate) struct ProviderArgs {
    /// The provider's name in the map; without a map: infisical, connect, op or vault
    #[arg(value_name = "PROVIDER")]
    pub(crate) provider: String,
    #[command(flatten)]
    pub(crate) map: MapArg,
    #[command(flatten)]
    pub(crate) place: PlaceOfProvider,
}

/// Where a provider is, where no map says so.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a map")]
#[group(multiple = false, conflicts_with = "map")]
pub(crate) struct PlaceOfProvider {
    /// The Infisical server [default: $INFISICAL_DOMAIN, else https://app.infisical.com]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) site_url: Option<String>,
    /// The 1Password Connect server
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) host: Option<String>,
    /// The 1Password account that `op` uses
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The vault [default: ~/.local/share/secretfs/vault.age]
    #[arg(long, value_name = "VAULT", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// By what one signs in to Infisical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LoginMethod {
    /// A machine identity's client id and client secret.
    Universal,
    /// A ready-made token.
    Token,
}

/// `logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// The provider's name in the map; without a map: infisical, connect, op or vault
    #[arg(value_name = "PROVIDER", required_unless_present = "all")]
    pub(crate) provider: Option<String>,
    /// Everything that `secretfs login` ever stored
    #[arg(long, conflicts_with_all = ["provider", "map", "PlaceOfProvider"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) map: MapArg,
    #[command(flatten)]
    pub(crate) place: PlaceOfProvider,
}

/// `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Which mount [default: every mount of this user]
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) mountpoint: Option<PathBuf>,
    /// Keep it up to date until `q` or Ctrl-C
    ///
    /// In a pipe, print one more at each change.
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Print one JSON object, for scripts
    #[arg(long)]
    pub(crate) json: bool,
}

/// `env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    /// The syntax to print [default: that of the parent process, else sh]
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Shell>,
    #[command(flatten)]
    pub(crate) map: MapArg,
    /// Where the files are, or will be, mounted [default: the map's mountpoint, else ~/secrets]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) mountpoint: Option<PathBuf>,
}

/// `hook`.
#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: crate::env::hook::HookShell,
    /// Print what has to change now: what the hook runs
    #[arg(long, hide = true)]
    pub(crate) changes: bool,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) map: MapArg,
    /// Ask every provider whether each secret exists and may be read
    #[arg(long)]
    pub(crate) online: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArg,
}

/// `refresh`.
#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Files to forget, absolute or relative to the mountpoint [default: all of one mount]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
}

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object, for scripts
    #[arg(long)]
    pub(crate) json: bool,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Go on, with what is opened from now on
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Print one JSON object a line, for scripts
    #[arg(long)]
    pub(crate) json: bool,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Of which command [default: the whole program]
    #[arg(conflicts_with = "dir")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
