fn main() {
    println!("c6: what was built on the host");
}
