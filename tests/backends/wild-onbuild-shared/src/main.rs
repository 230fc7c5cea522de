fn main() {
    println!("built by a trigger");
}
