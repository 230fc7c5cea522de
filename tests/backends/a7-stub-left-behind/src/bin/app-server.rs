fn main() {
    println!("the server beside a placeholder");
}
