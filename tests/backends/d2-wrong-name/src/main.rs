fn main() {
    println!("d2: the server");
}
