fn main() {
    println!("the interface");
}
