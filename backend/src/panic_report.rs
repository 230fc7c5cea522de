//! Panics leave a file behind: in a container, standard error is often gone when somebody asks.

use std::backtrace::Backtrace;
use std::env;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::startup::complain;

/// The variable that says in which directory panic reports are written.
pub const VARIABLE: &str = "BACKEND_PANIC_DIR";

/// A request that panics every time must not fill the disk; the first reports tell the story.
const MOST_REPORTS: usize = 16;

const DEFAULT: &str = "/tmp";

/// Where the environment wants panic reports; `/tmp` if it does not say.
#[must_use]
pub fn directory_from_env() -> PathBuf {
    env::var_os(VARIABLE).map_or_else(|| DEFAULT.into(), PathBuf::from)
}

/// The file in `directory` that holds the reports of this process: `backend-panic-<pid>.txt`.
#[must_use]
pub fn path_in(directory: &Path) -> PathBuf {
    directory.join(format!("backend-panic-{}.txt", process::id()))
}

/// Makes every panic of this process append a report to its file in `directory`: message, location and backtrace.
///
/// The hook that was there before still runs, and first, so nothing is lost where the file cannot be written.
pub fn install(directory: &Path) {
    let path = path_in(directory);
    let reports = AtomicUsize::new(0);
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        previous(info);
        if reports.fetch_add(1, Ordering::Relaxed) < MOST_REPORTS
            && let Err(error) = append(&path, &render(info))
        {
            complain(format_args!(
                "cannot write the panic report {}: {error}",
                path.display()
            ));
        }
    }));
}

fn render(info: &PanicHookInfo<'_>) -> String {
    let thread = thread::current();
    let mut report = format!("thread: {}\n", thread.name().unwrap_or("unnamed"));
    let message = info.payload_as_str().unwrap_or("(the payload is no text)");
    let _ = writeln!(report, "message: {message}");
    if let Some(location) = info.location() {
        let _ = writeln!(report, "location: {location}");
    }
    let _ = writeln!(report, "backtrace:\n{}", Backtrace::force_capture());
    report
}

/// One write per report, so that the reports of two threads do not mix.
fn append(path: &Path, report: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(report.as_bytes())
}
