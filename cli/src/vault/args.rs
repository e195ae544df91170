//! The command line of `secretfs vault`.

use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// What to do with the vault.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Make an empty vault, and the identity that opens it
    ///
    /// The vault is encrypted to a new age identity; the identity is encrypted with the passphrase
    /// and lies in identity.age beside the vault. The standard age tool opens it:
    /// `age -d -i identity.age vault.age`.
    #[command(after_help = "Examples:\n  \
        secretfs vault init\n  \
        secretfs vault init --file ~/work/vault.age --passphrase-file /run/pass")]
    Init(PlaceArgs),

    /// Set a secret, from standard input, a file, or a prompt without echo
    #[command(after_help = "Examples:\n  \
        secretfs vault set OPENAI_API_KEY\n  \
        secretfs vault set KUBE_CONFIG --from ~/.kube/config\n  \
        pass show db | secretfs vault set compose/DB_PASSWORD")]
    Set {
        /// The secret's name; `folder/NAME` puts it into a folder
        #[arg(value_name = "NAME")]
        name: String,
        /// Read the value from FILE, exactly
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        from: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceArgs,
    },

    /// Print the names of all secrets, sorted, one a line
    #[command(after_help = "Example:\n  secretfs vault list")]
    List(PlaceArgs),

    /// Remove secrets
    #[command(after_help = "Example:\n  secretfs vault rm OPENAI_API_KEY")]
    Rm {
        /// The secrets' names; all or none are removed
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },

    /// Set every secret of a .env file
    ///
    /// Reads `NAME=value` lines with `export`, quotes, several lines and comments. Variables in
    /// values are not expanded.
    #[command(after_help = "Example:\n  secretfs vault import .env && rm .env")]
    Import {
        /// The file; `-` is standard input
        #[arg(value_name = "FILE.env", value_hint = ValueHint::FilePath)]
        from: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },

    /// Replace the identity and the passphrase
    ///
    /// Whoever has the old identity.age and its passphrase cannot open what is written from now on.
    /// Running mounts need `secretfs unlock` afterwards.
    #[command(after_help = "Examples:\n  \
        secretfs vault rekey\n  \
        secretfs vault rekey --keep-identity --new-passphrase-file new")]
    Rekey {
        /// Read the new passphrase from FILE; one final newline is dropped
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
            conflicts_with = "keep_passphrase")]
        new_passphrase_file: Option<PathBuf>,
        /// Replace the identity only
        #[arg(long, conflicts_with = "keep_identity")]
        keep_passphrase: bool,
        /// Replace the passphrase only
        #[arg(long)]
        keep_identity: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Which vault, and what opens it.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The vault [default: ~/.local/share/secretfs/vault.age]
    #[arg(long, value_name = "VAULT", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Read the passphrase from FILE; one final newline is dropped
    ///
    /// Without it: $CREDENTIALS_DIRECTORY/secretfs.vault.passphrase, then what `secretfs login` stored,
    /// then the terminal.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Credentials")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Go on with memory that cannot be locked; secrets may then reach the swap
    #[arg(long, help_heading = "Weaker protection")]
    pub(crate) insecure_memory: bool,
}
