//! What the environment says, checked before anything depends on it.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `BACKEND_HOST` | the IP address to listen on | `0.0.0.0` |
//! | `BACKEND_PORT` | the port to listen on; `0` takes a free one | `8080` |
//! | `BACKEND_LOG` | the least important level that is logged | `info` |
//! | `BACKEND_LOG_FORMAT` | `text` or `json` | `text` |
//! | `BACKEND_COMPRESS_LIMIT` | the largest body that `/compress` accepts, in bytes | `8388608` |
//!
//! Two more are read before these and never refused, because they only help to find out why a start failed:
//! [`BACKEND_MARKER_FILE`](crate::marker::VARIABLE) and [`BACKEND_PANIC_DIR`](crate::panic_report::VARIABLE).

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tracing::level_filters::LevelFilter;

const DEFAULT_HOST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const DEFAULT_PORT: u16 = 8080;
const DEFAULT_COMPRESS_LIMIT: usize = 8 * 1024 * 1024;

/// A body is held in memory while it is compressed; a larger limit would be a slip of the keyboard.
const LARGEST_COMPRESS_LIMIT: usize = 1024 * 1024 * 1024;

/// Everything that can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where the service listens.
    pub address: SocketAddr,
    /// What is logged, and how.
    pub log: LogSettings,
    /// The largest body that is compressed, in bytes.
    pub compress_limit: usize,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// The least important level that is logged.
    pub level: LevelFilter,
    /// The form of a log line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Settings {
    /// Reads the settings from the environment of this process.
    ///
    /// # Errors
    ///
    /// A [`SettingError`] for the first variable whose value is not usable.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(|name| env::var_os(name))
    }

    /// Reads the settings from wherever `lookup` finds the value of a variable.
    ///
    /// # Errors
    ///
    /// A [`SettingError`] for the first variable whose value is not usable.
    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingError> {
        let host = HOST.read(&lookup, DEFAULT_HOST)?;
        let port = PORT.read(&lookup, DEFAULT_PORT)?;
        Ok(Self {
            address: SocketAddr::new(host, port),
            log: LogSettings {
                level: LOG.read(&lookup, LevelFilter::INFO)?,
                format: LOG_FORMAT.read(&lookup, LogFormat::Text)?,
            },
            compress_limit: COMPRESS_LIMIT.read(&lookup, DEFAULT_COMPRESS_LIMIT)?,
        })
    }
}

/// A variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// The name of the variable.
    pub name: &'static str,
    /// Its value; bytes that are no text are replaced.
    pub found: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl fmt::Display for SettingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, expected } = self;
        write!(formatter, "{name}: found {found:?}, expected {expected}")
    }
}

impl Error for SettingError {}

/// One variable: how its text becomes a value, and what to say when it does not.
struct Variable<T> {
    name: &'static str,
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

const HOST: Variable<IpAddr> = Variable {
    name: "BACKEND_HOST",
    expected: "an IP address such as 0.0.0.0, 127.0.0.1 or ::",
    parse: |text| text.parse().ok(),
};

const PORT: Variable<u16> = Variable {
    name: "BACKEND_PORT",
    expected: "a port from 1 to 65535, or 0 for any free one",
    parse: |text| digits(text)?.parse().ok(),
};

const LOG: Variable<LevelFilter> = Variable {
    name: "BACKEND_LOG",
    expected: "one of off, error, warn, info, debug, trace",
    parse: |text| match text {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    },
};

const LOG_FORMAT: Variable<LogFormat> = Variable {
    name: "BACKEND_LOG_FORMAT",
    expected: "text or json",
    parse: |text| match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    },
};

const COMPRESS_LIMIT: Variable<usize> = Variable {
    name: "BACKEND_COMPRESS_LIMIT",
    expected: "a number of bytes from 1 to 1073741824",
    parse: |text| {
        let limit = digits(text)?.parse().ok()?;
        (1..=LARGEST_COMPRESS_LIMIT).contains(&limit).then_some(limit)
    },
};

impl<T> Variable<T> {
    /// The value that `lookup` finds, or `default` if the variable is not set. An empty value is a value, and wrong.
    fn read(&self, lookup: impl Fn(&str) -> Option<OsString>, default: T) -> Result<T, SettingError> {
        let Some(value) = lookup(self.name) else {
            return Ok(default);
        };
        value.to_str().and_then(self.parse).ok_or_else(|| SettingError {
            name: self.name,
            found: value.to_string_lossy().into_owned(),
            expected: self.expected,
        })
    }
}

/// The text if it consists of digits only; the standard library would also accept a sign.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|wanted| {
            let (_, value) = variables.iter().find(|(name, _)| *name == wanted)?;
            Some(OsString::from(value))
        })
    }

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.address.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.log.level, LevelFilter::INFO);
        assert_eq!(settings.log.format, LogFormat::Text);
        assert_eq!(settings.compress_limit, 8_388_608);
    }

    #[test]
    fn every_variable_is_read() {
        let settings = read(&[
            ("BACKEND_HOST", "::1"),
            ("BACKEND_PORT", "0"),
            ("BACKEND_LOG", "off"),
            ("BACKEND_LOG_FORMAT", "json"),
            ("BACKEND_COMPRESS_LIMIT", "1"),
        ])
        .unwrap();

        assert_eq!(settings.address.to_string(), "[::1]:0");
        assert_eq!(settings.log.level, LevelFilter::OFF);
        assert_eq!(settings.log.format, LogFormat::Json);
        assert_eq!(settings.compress_limit, 1);
    }

    #[test]
    fn a_value_that_is_not_expected_is_refused_under_the_name_of_its_variable() {
        for (name, value) in [
            ("BACKEND_HOST", "localhost"),
            ("BACKEND_HOST", ""),
            ("BACKEND_PORT", ""),
            ("BACKEND_PORT", "http"),
            ("BACKEND_PORT", "65536"),
            ("BACKEND_PORT", "-1"),
            ("BACKEND_PORT", "+80"),
            ("BACKEND_PORT", " 80"),
            ("BACKEND_LOG", "loud"),
            ("BACKEND_LOG", "5"),
            ("BACKEND_LOG_FORMAT", "JSON"),
            ("BACKEND_COMPRESS_LIMIT", "0"),
            ("BACKEND_COMPRESS_LIMIT", "8MiB"),
            ("BACKEND_COMPRESS_LIMIT", "1073741825"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();

            assert_eq!((error.name, error.found.as_str()), (name, value));
        }
    }

    #[test]
    fn the_message_has_name_found_and_expected() {
        let error = read(&[("BACKEND_LOG_FORMAT", "yaml")]).unwrap_err();

        assert_eq!(
            error.to_string(),
            r#"BACKEND_LOG_FORMAT: found "yaml", expected text or json"#
        );
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_like_any_other() {
        let error = Settings::read(|_| Some(OsString::from_vec(vec![b'8', 0xff]))).unwrap_err();

        assert_eq!(error.found, "8\u{fffd}");
    }
}
