fn main() {
    println!("d6: the program");
}
