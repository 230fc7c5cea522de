fn main() {
    println!("built by just");
}
