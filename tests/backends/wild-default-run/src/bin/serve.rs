fn main() {
    println!("the default program");
}
