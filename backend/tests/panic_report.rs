//! The panic hook. It belongs to the whole process, so this test has one to itself.

use std::fs;
use std::path::Path;
use std::thread;

use backend::panic_report;

#[test]
fn every_panic_is_reported_with_message_location_and_backtrace_up_to_a_bound() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-report");
    fs::create_dir_all(&directory).unwrap();
    let path = panic_report::path_in(&directory);
    let _ = fs::remove_file(&path);
    panic_report::install(&directory);

    for number in 0..20 {
        let thread = thread::Builder::new().name("doomed".to_owned());
        thread
            .spawn(move || panic!("trouble {number}"))
            .unwrap()
            .join()
            .unwrap_err();
    }

    let reports = fs::read_to_string(&path).unwrap();
    assert!(reports.starts_with("thread: doomed\nmessage: trouble 0\n"), "{reports}");
    assert!(reports.contains(concat!("location: ", file!(), ":")), "{reports}");
    assert!(reports.contains("backtrace:\n   0: "), "{reports}");
    assert_eq!(
        reports.matches("message: ").count(),
        16,
        "the first sixteen and no more"
    );
    fs::remove_file(&path).unwrap();
}
