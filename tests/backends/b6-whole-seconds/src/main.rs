fn main() {
    println!("b6-whole-seconds: the real program");
}
