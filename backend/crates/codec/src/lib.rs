//! Zstandard compression with a bound on the input.
//!
//! A frame is made in one piece, so the memory that a call needs follows from the size of its input. The bound is
//! therefore checked here as well, and not only where a body comes in from the network.

mod compressor;
mod error;

pub use compressor::Compressor;
pub use error::CompressError;

/// The version of the Zstandard library that is linked in, such as `1.5.7`.
#[must_use]
pub fn library_version() -> &'static str {
    zstd::zstd_safe::version_string()
}
