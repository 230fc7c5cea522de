//! The file that proves that `main` was entered, for an observer that cannot read standard output.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::facts;

/// The variable that says where the marker file is written.
pub const VARIABLE: &str = "BACKEND_MARKER_FILE";

const DEFAULT: &str = "/tmp/backend-main-called.txt";

/// Where the environment wants the marker file; `/tmp/backend-main-called.txt` if it does not say.
#[must_use]
pub fn path_from_env() -> PathBuf {
    env::var_os(VARIABLE).map_or_else(|| DEFAULT.into(), PathBuf::from)
}

/// Writes the marker file, replacing an older one. It holds the version and the process id.
///
/// # Errors
///
/// Whatever the file system says, for one on a read-only root. The service runs without a marker as well.
pub fn write(path: &Path) -> io::Result<()> {
    fs::write(
        path,
        format!("backend {} entered main as process {}\n", facts::VERSION, process::id()),
    )
}
