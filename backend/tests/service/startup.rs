//! What the service shows while it starts.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Service, backend, scratch};

const STARTUP_LINES: [&str; 7] = [
    "=== MAIN FUNCTION START ===",
    "MAIN FUNCTION CALLED",
    "🚀 Backend starting...",
    "✅ Main function reached, creating Tokio runtime...",
    "✅ Tokio runtime created, calling async_main...",
    "✅ async_main() called - starting initialization",
    "Initializing logging...",
];

#[test]
fn the_start_up_lines_come_first_exactly_and_in_order() {
    let service = Service::start(&mut backend(&scratch("lines")));

    let (announced, logged) = service.lines.split_at(STARTUP_LINES.len());
    assert_eq!(announced, STARTUP_LINES);
    assert_eq!(logged.len(), 1, "{logged:#?}");
    assert!(
        logged[0].contains(" INFO ") && logged[0].contains("listening"),
        "{logged:#?}"
    );
}

#[test]
fn the_marker_file_names_the_version() {
    let folder = scratch("marker");
    let _service = Service::start(&mut backend(&folder));

    let marker = fs::read_to_string(folder.join("marker.txt")).unwrap();
    assert!(
        marker.starts_with(concat!("backend ", env!("CARGO_PKG_VERSION"), " entered main")),
        "{marker}"
    );
}

#[test]
fn a_place_for_files_that_does_not_exist_is_a_warning_and_no_more() {
    let nowhere = Path::new("/nonexistent/folder");
    let mut command = backend(nowhere);
    let mut service = Service::start(command.stderr(Stdio::piped()));

    assert_eq!(service.get("/health").status, 200);
    service.signal("TERM");
    assert!(service.wait().success());
    assert_eq!(
        service.stderr(),
        "backend: warning: cannot write the marker file /nonexistent/folder/marker.txt: \
         No such file or directory (os error 2)\n"
    );
}

#[test]
fn log_lines_can_be_json() {
    let mut command = backend(&scratch("json"));
    let service = Service::start(command.env("BACKEND_LOG_FORMAT", "json"));

    let line: serde_json::Value = serde_json::from_str(service.lines.last().unwrap()).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "listening");
    assert_eq!(line["address"], service.address.to_string());
}

#[test]
fn the_level_decides_what_is_logged_and_there_are_no_colour_codes() {
    let mut command = backend(&scratch("level"));
    let mut service = Service::start(command.env("BACKEND_LOG", "debug"));

    service.get("/version");
    let answered = service.line_with("answered");
    assert!(
        answered.contains("method=GET path=\"/version\" status=200"),
        "{answered}"
    );
    assert!(service.lines.iter().all(|line| !line.contains('\x1b')));
}

/// The runtime panics over its own variable, which makes a real panic in the real program without a way in for one.
#[test]
fn a_panic_leaves_a_report_and_the_lines_so_far() {
    let folder = scratch("panic");
    let mut command = backend(&folder);
    let child = command
        .env("TOKIO_WORKER_THREADS", "none")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let report = folder.join(format!("backend-panic-{}.txt", child.id()));
    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(101));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().collect::<Vec<_>>(), STARTUP_LINES[..4]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("panicked at"));
    let report = fs::read_to_string(report).unwrap();
    assert!(
        report.starts_with("thread: main\nmessage: \"TOKIO_WORKER_THREADS\""),
        "{report}"
    );
    assert!(report.contains("\nlocation: "), "{report}");
    assert!(report.contains("backend::main"), "{report}");
}
