//! The service. What it does is in the library; here are the steps of its start, each with its line.

use std::process::ExitCode;
use std::time::Duration;

use backend::error::StartError;
use backend::settings::Settings;
use backend::startup::{announce, complain};
use backend::{logging, marker, panic_report, server};
use tokio::runtime::{Builder, Runtime};

/// Compression is the only work that blocks. More threads than this would not make it faster.
const BLOCKING_THREADS: usize = 16;

/// How long a compression that is still running may hold up the end of the process.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    // Before any line, so that whoever reads the first one finds the file.
    write_marker();
    announce("=== MAIN FUNCTION START ===");
    announce("MAIN FUNCTION CALLED");
    panic_report::install(&panic_report::directory_from_env());

    announce("🚀 Backend starting...");
    announce("✅ Main function reached, creating Tokio runtime...");
    let ended = create_runtime().and_then(|runtime| {
        announce("✅ Tokio runtime created, calling async_main...");
        let ended = runtime.block_on(async_main());
        runtime.shutdown_timeout(BLOCKING_GRACE);
        ended
    });

    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            error.exit_code()
        }
    }
}

async fn async_main() -> Result<(), StartError> {
    announce("✅ async_main() called - starting initialization");
    let settings = Settings::from_env()?;
    announce("Initializing logging...");
    logging::init(settings.log)?;
    server::run(&settings).await
}

fn create_runtime() -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("backend-worker")
        .build()
        .map_err(StartError::Runtime)
}

fn write_marker() {
    let path = marker::path_from_env();
    if let Err(error) = marker::write(&path) {
        complain(format_args!(
            "warning: cannot write the marker file {}: {error}",
            path.display()
        ));
    }
}
