//! What providers ask of the mount-helper, answered in this process: a command has no sandbox.

use rustix::io::Errno;
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_providers::host::SYSTEM_CA;
use secretfs_providers::{BoxFuture, Host, HostAnswer, HostError, HostRequest};
use std::fs::File;
use std::path::Path;

/// This process.
pub(super) struct Here {
    /// The map's providers, in its order.
    pub(super) specs: Vec<ProviderSpec>,
}

impl Host for Here {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move {
            match request {
                HostRequest::OpenVault { provider } => self.open_vault(provider),
                HostRequest::OpenCaFile { provider } => self.open_ca_file(provider),
                HostRequest::OpenSystemCa => open_system_ca(),
                HostRequest::Resolve { host, port } => tokio::net::lookup_host((host, port))
                    .await
                    .map(|found| HostAnswer::Addresses(found.collect()))
                    .map_err(|error| os(&error)),
                _ => Err(HostError::NoAnswer),
            }
        })
    }
}

impl Here {
    fn open_vault(&self, provider: u16) -> Result<HostAnswer, HostError> {
        match self
            .specs
            .get(usize::from(provider))
            .map(|spec| &spec.settings)
        {
            Some(ProviderSettings::Local { file }) => open(file),
            _ => Err(HostError::NoAnswer),
        }
    }

    fn open_ca_file(&self, provider: u16) -> Result<HostAnswer, HostError> {
        let spec = self.specs.get(usize::from(provider));
        match spec.map(|spec| &spec.settings) {
            Some(
                ProviderSettings::Infisical { ca_file, .. }
                | ProviderSettings::OnePassword { ca_file, .. },
            ) => ca_file.as_deref().map_or(Err(HostError::NoAnswer), open),
            _ => Err(HostError::NoAnswer),
        }
    }
}

fn open_system_ca() -> Result<HostAnswer, HostError> {
    let found = SYSTEM_CA.iter().find(|place| Path::new(place).exists());
    found.map_or(Err(HostError::Os(Errno::NOENT.raw_os_error())), |place| {
        open(place)
    })
}

fn open(file: &str) -> Result<HostAnswer, HostError> {
    File::open(file)
        .map(|file| HostAnswer::Fd(file.into()))
        .map_err(|error| os(&error))
}

fn os(error: &std::io::Error) -> HostError {
    HostError::Os(error.raw_os_error().unwrap_or_default())
}
