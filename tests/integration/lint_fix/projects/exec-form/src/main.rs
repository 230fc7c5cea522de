fn main() {
    println!("the program that was written");
}
