//! The command line of `secretfs init`.

use crate::vault::PlaceArgs;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;

/// What a first map is made from.
#[derive(Debug, Subcommand)]
pub(crate) enum InitFrom {
    /// A .env file: an entry for each variable
    ///
    /// The names alone are read; `secretfs vault import` puts the values into the local vault. A value that
    /// is an `op://` reference becomes an entry of 1Password.
    #[command(after_help = "Examples:\n  \
        secretfs init env .env && secretfs vault import .env && secretfs mount\n  \
        secretfs init env .env --project-id 73c7a1f0-… --environment dev")]
    Env(InitEnvArgs),

    /// An .envrc: an entry for each `export NAME="op://…"`
    ///
    /// The file is read as text: nothing of it is run or expanded. Other lines are left out, and told.
    #[command(after_help = "Examples:\n  \
        secretfs init envrc\n  \
        secretfs init envrc ~/work/.envrc --env-names same --output -")]
    Envrc(InitEnvrcArgs),

    /// An Infisical project, signed in as `mount` is
    ///
    /// Asks for the names of what the project has, never for a value.
    #[command(after_help = "Examples:\n  \
        secretfs init infisical --project-id 73c7a1f0-… --environment dev\n  \
        secretfs init infisical --project-slug shop-x1y2 --path /backend --output -")]
    Infisical(InitInfisicalArgs),

    /// A 1Password vault, through `op` or a Connect server
    ///
    /// An entry for each field that has a value and for each attached file. Names alone are kept. Each item
    /// is a request, of which 1Password allows a service account a number in an hour.
    #[command(after_help = "Examples:\n  \
        secretfs init onepassword --vault Prod\n  \
        secretfs init onepassword --vault Prod --account my.1password.com\n  \
        secretfs init onepassword --vault Prod --connect-host https://connect.internal")]
    Onepassword(InitOnePasswordArgs),

    /// The local vault: an entry for each of its secrets
    ///
    /// The names alone are taken out of it.
    #[command(after_help = "Examples:\n  \
        secretfs init vault && secretfs mount\n  \
        secretfs init vault --file work.age --output work.yml")]
    Vault(InitVaultArgs),

    /// A map of TazPod: kept as it is, checked, and completed by editors from now on
    #[command(after_help = "Examples:\n  \
        secretfs init tazpod tazpod/secrets.yml\n  \
        secretfs init tazpod secrets.yml --force")]
    Tazpod(InitTazpodArgs),
}

/// The same from words that were asked for.
#[derive(Debug, Parser)]
pub(crate) struct InitWords {
    #[command(subcommand)]
    pub(crate) from: InitFrom,
}

/// What `env:` is called in entries that were variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvNames {
    /// `NAME_FILE`, for it holds the path of a file; as it is where tools take a path already
    File,
    /// As it is
    Same,
    /// No `env:`
    None,
}

/// How variables are named.
#[derive(Debug, Args)]
pub(crate) struct NamesArg {
    /// The variables that `secretfs env` will export
    #[arg(long, value_enum, default_value = "file")]
    pub(crate) env_names: EnvNames,
}

/// Which way to 1Password.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The Connect server [default: $OP_CONNECT_HOST, else the program `op`]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) connect_host: Option<String>,
    /// Certificates to trust beside the system's, for a Connect server with its own
    #[arg(id = "connect_ca_file", long = "connect-ca-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,
    /// The account, of those that `op account list` shows: through `op`, whatever the environment names
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["connect_host", "connect_ca_file"])]
    pub(crate) account: Option<String>,
}

/// Which Infisical project.
#[derive(Debug, Args)]
pub(crate) struct ProjectArgs {
    /// The project, by its id (Project Settings)
    #[arg(long, value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// The project, by its slug
    #[arg(long, value_name = "SLUG", conflicts_with = "project_id")]
    pub(crate) project_slug: Option<String>,
    /// The server [default: $INFISICAL_DOMAIN, else https://app.infisical.com]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) site_url: Option<String>,
    /// The environment's slug
    #[arg(long, value_name = "SLUG", default_value = "dev")]
    pub(crate) environment: String,
    /// The folder; of `init infisical`, where it starts from: those below it are taken too
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) path: String,
    /// Certificates to trust beside the system's, for an Infisical with its own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,
}

/// `init env`.
#[derive(Debug, Args)]
pub(crate) struct InitEnvArgs {
    /// The file
    #[arg(value_name = "FILE", default_value = ".env", value_hint = ValueHint::FilePath)]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArg,
    #[command(flatten)]
    pub(crate) names: NamesArg,
    /// The local vault that has or will have the values [default: ~/.local/share/secretfs/vault.age]
    #[arg(long, value_name = "VAULT", value_hint = ValueHint::FilePath, conflicts_with_all = ["project_id", "project_slug"])]
    pub(crate) vault_file: Option<PathBuf>,
    #[command(
        flatten,
        next_help_heading = "Where the values are in Infisical instead"
    )]
    pub(crate) project: ProjectArgs,
    #[command(flatten, next_help_heading = "Where values are op:// references")]
    pub(crate) connect: Connect,
}

/// `init envrc`.
#[derive(Debug, Args)]
pub(crate) struct InitEnvrcArgs {
    /// The file
    #[arg(value_name = "FILE", default_value = ".envrc", value_hint = ValueHint::FilePath)]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArg,
    #[command(flatten)]
    pub(crate) names: NamesArg,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `init infisical`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("project").args(["project_id", "project_slug"]).required(true))]
pub(crate) struct InitInfisicalArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) output: OutputArg,
}

/// `init onepassword`.
#[derive(Debug, Args)]
pub(crate) struct InitOnePasswordArgs {
    /// The vault, by name or id
    #[arg(long, value_name = "VAULT")]
    pub(crate) vault: String,
    #[command(flatten)]
    pub(crate) connect: Connect,
    #[command(flatten)]
    pub(crate) output: OutputArg,
}

/// `init vault`.
#[derive(Debug, Args)]
pub(crate) struct InitVaultArgs {
    #[command(flatten)]
    pub(crate) output: OutputArg,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
}

/// `init tazpod`.
#[derive(Debug, Args)]
pub(crate) struct InitTazpodArgs {
    /// The map
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArg,
}

/// Where `init` writes.
#[derive(Debug, Args)]
pub(crate) struct OutputArg {
    /// Where to write the map; `-` is standard output. A file that is there is not overwritten
    #[arg(long, short, value_name = "FILE", default_value = "secrets.yml", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Replace a map that is there
    #[arg(long, short)]
    pub(crate) force: bool,
}
