fn main() {
    println!("a1: the program that was written");
}
