//! What providers ask of the mount-helper, answered in this process: a check has no sandbox.

use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_providers::{BoxFuture, Host, HostAnswer, HostError, HostRequest};

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
            Some(ProviderSettings::Local { file }) => std::fs::File::open(file)
                .map(|file| HostAnswer::Fd(file.into()))
                .map_err(|error| os(&error)),
            _ => Err(HostError::NoAnswer),
        }
    }
}

fn os(error: &std::io::Error) -> HostError {
    HostError::Os(error.raw_os_error().unwrap_or_default())
}
