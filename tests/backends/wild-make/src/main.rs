fn main() {
    println!("built by make");
}
