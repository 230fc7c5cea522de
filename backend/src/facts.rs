//! What this build knows about itself. Everything here is fixed at compile time, so equal inputs give equal programs.

use serde::Serialize;

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The digest of the sources, as whoever built this stated it in `BACKEND_SOURCE_DIGEST`; `unknown` without it.
pub const SOURCE_DIGEST: &str = known(option_env!("BACKEND_SOURCE_DIGEST"));

/// The kind of build: `release` or `debug`.
pub const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// What `GET /version` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The version of the package.
    pub version: &'static str,
    /// The digest of the sources, or `unknown`.
    pub source_digest: &'static str,
}

impl Version {
    /// The version of this very program.
    pub const CURRENT: Self = Self {
        version: VERSION,
        source_digest: SOURCE_DIGEST,
    };
}

/// A build that passes the variable on without a value states nothing either.
const fn known(digest: Option<&'static str>) -> &'static str {
    match digest {
        Some(digest) if !digest.is_empty() => digest,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_is_absent_or_empty_is_unknown() {
        assert_eq!(known(None), "unknown");
        assert_eq!(known(Some("")), "unknown");
        assert_eq!(known(Some("sha256:00")), "sha256:00");
    }
}
