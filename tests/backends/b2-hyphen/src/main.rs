fn main() {
    println!("b2-hyphen: the real program");
}
