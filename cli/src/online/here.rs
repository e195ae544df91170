//! What providers ask of the mount-helper, answered in this process: a command has no sandbox.

use rustix::io::Errno;
use secretfs_fs::map::{ProviderSettings, ProviderSpec};
use secretfs_mount_helper::programs::{self, Programs};
use secretfs_providers::host::SYSTEM_CA;
use secretfs_providers::http::ProxySettings;
use secretfs_providers::{BoxFuture, Host, HostAnswer, HostError, HostRequest, ProgramCall};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// This process.
pub(super) struct Here {
    /// The map's providers, in its order.
    pub(super) specs: Vec<ProviderSpec>,
    /// What is started for them.
    pub(super) programs: Programs,
    /// What those are told of proxies.
    pub(super) proxies: ProxySettings,
}

impl Host for Here {
    fn ask(&self, request: HostRequest) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move {
            match request {
                HostRequest::OpenVault { provider } => self.open_vault(provider),
                HostRequest::OpenCaFile { provider } => self.open_ca_file(provider),
                HostRequest::OpenJwtFile { provider } => self.open_jwt_file(provider),
                HostRequest::OpenProgramConfig { .. } => match self.programs.home() {
                    Some(home) => open(programs::infisical_config(&home)),
                    None => Err(HostError::NoAnswer),
                },
                HostRequest::StartProgram { provider, call } => {
                    self.start(provider, call, None).await
                }
                HostRequest::EndOfProgram { run } => {
                    let end = self.programs.end(run).await;
                    end.map(HostAnswer::Ended).map_err(errno)
                }
                HostRequest::OpenSystemCa => open_system_ca(),
                HostRequest::Resolve { host, port } => tokio::net::lookup_host((host, port))
                    .await
                    .map(|found| HostAnswer::Addresses(found.collect()))
                    .map_err(|error| os(&error)),
                #[cfg(feature = "test-hooks")]
                HostRequest::ConnectScripted { provider } => {
                    let spec = self.specs.get(usize::from(provider));
                    match spec.map(|spec| &spec.settings) {
                        Some(ProviderSettings::Scripted { socket }) => {
                            let stream = std::os::unix::net::UnixStream::connect(socket);
                            stream
                                .map(|stream| HostAnswer::Fd(stream.into()))
                                .map_err(|error| os(&error))
                        }
                        _ => Err(HostError::NoAnswer),
                    }
                }
                _ => Err(HostError::NoAnswer),
            }
        })
    }

    fn ask_with(
        &self,
        request: HostRequest,
        beside: OwnedFd,
    ) -> BoxFuture<'_, Result<HostAnswer, HostError>> {
        Box::pin(async move {
            match request {
                HostRequest::StartProgram { provider, call } => {
                    self.start(provider, call, Some(beside)).await
                }
                _ => Err(HostError::NoAnswer),
            }
        })
    }
}

impl Here {
    async fn start(
        &self,
        provider: u16,
        call: ProgramCall,
        token: Option<OwnedFd>,
    ) -> Result<HostAnswer, HostError> {
        let spec = match call {
            ProgramCall::InfisicalToken => Some(programs::infisical_token()),
            ProgramCall::Op(call) => {
                let settings = self.specs.get(usize::from(provider));
                settings.and_then(|spec| {
                    programs::op::spec(call, &spec.settings, token.is_some(), &self.proxies)
                })
            }
            _ => None,
        };
        let spec = spec.ok_or_else(|| errno(Errno::INVAL))?;
        let (run, stdout) = self.programs.start(spec, token).await.map_err(errno)?;
        Ok(HostAnswer::Started { run, stdout })
    }

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

    fn open_jwt_file(&self, provider: u16) -> Result<HostAnswer, HostError> {
        let spec = self.specs.get(usize::from(provider));
        match spec.map(|spec| &spec.settings) {
            Some(ProviderSettings::Infisical { jwt_file, .. }) => {
                jwt_file.as_deref().map_or(Err(HostError::NoAnswer), open)
            }
            _ => Err(HostError::NoAnswer),
        }
    }
}

fn errno(errno: Errno) -> HostError {
    HostError::Os(errno.raw_os_error())
}

fn open_system_ca() -> Result<HostAnswer, HostError> {
    let found = SYSTEM_CA.iter().find(|place| Path::new(place).exists());
    found.map_or(Err(HostError::Os(Errno::NOENT.raw_os_error())), |place| {
        open(place)
    })
}

fn open(file: impl AsRef<Path>) -> Result<HostAnswer, HostError> {
    File::open(file)
        .map(|file| HostAnswer::Fd(file.into()))
        .map_err(|error| os(&error))
}

fn os(error: &std::io::Error) -> HostError {
    HostError::Os(error.raw_os_error().unwrap_or_default())
}
