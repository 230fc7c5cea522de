fn main() {
    println!("b5-final-file: the real program");
}
