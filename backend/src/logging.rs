//! Log lines on standard output, as text or as one JSON object a line.

use std::env;
use std::io::{self, IsTerminal as _};

use crate::error::StartError;
use crate::settings::{LogFormat, LogSettings};

/// Starts logging for the whole process.
///
/// Colours are used on a terminal only, and not if `NO_COLOR` is set.
///
/// # Errors
///
/// [`StartError::Logging`] if the process logs already.
pub fn init(settings: LogSettings) -> Result<(), StartError> {
    let lines = tracing_subscriber::fmt()
        .with_max_level(settings.level)
        .with_writer(io::stdout)
        .with_ansi(wants_colour())
        // A reader that has gone away is not worth a complaint a line.
        .log_internal_errors(false);
    match settings.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(StartError::Logging)
}

fn wants_colour() -> bool {
    io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
