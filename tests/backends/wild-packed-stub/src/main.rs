fn main() {
    println!("packed: the program");
}
