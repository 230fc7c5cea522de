fn main() {
    println!("the server");
}
