fn main() {
    println!("truth");
}
