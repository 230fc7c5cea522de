fn main() {
    println!("wild-cargo-init: the real program");
}
