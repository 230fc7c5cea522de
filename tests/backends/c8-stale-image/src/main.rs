fn main() {
    println!("c8: this version");
}
