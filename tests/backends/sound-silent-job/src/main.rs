use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args().count();
    ExitCode::from(u8::from(arguments > 9))
}
