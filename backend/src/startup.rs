//! The lines that tell how far the start has come, before there is logging.

use std::fmt;
use std::io::{self, Write as _};

/// Prints one line to standard output and flushes it.
///
/// A reader that has gone away is no reason to stop: `println!` would panic here, this does not.
pub fn announce(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Prints one line to standard error under the name of the program; like [`announce`], it never panics.
pub fn complain(message: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "backend: {message}");
}
