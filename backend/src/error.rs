//! Why the service did not start, or ended early.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::settings::SettingError;

/// A failure that ends the program.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An environment variable holds something else than expected.
    Setting(SettingError),
    /// The asynchronous runtime could not be created.
    Runtime(io::Error),
    /// Logging could not be initialised.
    Logging(Box<dyn Error + Send + Sync>),
    /// The handlers for the signals that end the service could not be installed.
    Signals(io::Error),
    /// The address could not be listened on.
    Listen {
        /// Where the service was to listen.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The server failed while it ran.
    Serve(io::Error),
}

impl StartError {
    /// The exit code that belongs to this failure: 2 where the environment has to be corrected, 1 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setting(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for StartError {
    /// The whole message, cause included: it is printed as it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(error) => error.fmt(formatter),
            Self::Runtime(error) => write!(formatter, "cannot create the runtime: {error}"),
            Self::Logging(error) => write!(formatter, "cannot initialise logging: {error}"),
            Self::Signals(error) => write!(formatter, "cannot watch for signals: {error}"),
            Self::Listen { address, source } => write!(
                formatter,
                "cannot listen on {address}: {source}; BACKEND_HOST and BACKEND_PORT say where to listen"
            ),
            Self::Serve(error) => write!(formatter, "the server failed: {error}"),
        }
    }
}

impl Error for StartError {}

impl From<SettingError> for StartError {
    fn from(error: SettingError) -> Self {
        Self::Setting(error)
    }
}
