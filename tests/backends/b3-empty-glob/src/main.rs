fn main() {
    println!("b3-empty-glob: the real program");
}
