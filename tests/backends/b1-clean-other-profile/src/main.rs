fn main() {
    println!("b1-clean-other-profile: the real program");
}
