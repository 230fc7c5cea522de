fn main() {
    println!("the program as it was written");
}
