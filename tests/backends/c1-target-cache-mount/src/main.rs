fn main() {
    println!("c1: this version");
}
