fn main() {
    println!("wild-cargo-new: the real program");
}
