fn main() {
    println!("a11: the program that was written");
}
