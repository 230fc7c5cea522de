fn main() {
    println!("primed in a script: the real program");
}
