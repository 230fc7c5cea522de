fn main() {
    println!("b7-other-layer: the real program");
}
