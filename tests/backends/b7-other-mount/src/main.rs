fn main() {
    println!("b7-other-mount: the real program");
}
