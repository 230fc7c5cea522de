//! For whoever looks after the service: what was built, and whether it is healthy.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use backend::settings::Settings;
use backend::{facts, probe};

const USAGE: &str = "\
usage: backend-admin [version | health]

  version   print the version and the facts of this build (the default)
  health    exit 0 if the service on BACKEND_HOST:BACKEND_PORT answers /health with 200 within two seconds, else 1
";

const HEALTH_LIMIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(|text| text.to_str().unwrap_or("")).collect();
    match arguments.as_slice() {
        [] | ["version"] => print(&version()),
        ["health"] => health(),
        ["help" | "--help" | "-h"] => print(USAGE),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn version() -> String {
    format!(
        "backend {}\nsource-digest {}\nprofile {}\nplatform {}-{}\nzstd {}\n",
        facts::VERSION,
        facts::SOURCE_DIGEST,
        facts::PROFILE,
        env::consts::OS,
        env::consts::ARCH,
        backend_codec::library_version(),
    )
}

fn health() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => return fail(&error.to_string()),
    };
    match probe::health(settings.address, HEALTH_LIMIT) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{} is not healthy: {error}", settings.address)),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot print: {error}")),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("backend-admin: {message}");
    ExitCode::FAILURE
}
