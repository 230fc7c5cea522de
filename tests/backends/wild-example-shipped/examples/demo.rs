fn main() {
    println!("a demo of the library");
}
