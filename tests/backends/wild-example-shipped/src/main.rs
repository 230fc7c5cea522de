fn main() {
    println!("the program");
}
