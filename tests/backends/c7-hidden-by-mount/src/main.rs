fn main() {
    println!("c7: the real program");
}
