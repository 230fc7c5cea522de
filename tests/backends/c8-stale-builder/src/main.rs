fn main() {
    println!("c8: this version, on an old builder");
}
