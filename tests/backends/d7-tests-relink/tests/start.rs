use std::process::Command;

#[test]
fn it_starts() {
    assert!(Command::new(env!("CARGO_BIN_EXE_app")).status().unwrap().success());
}
