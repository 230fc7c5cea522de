fn main() {
    println!("c5: what was built on the host");
}
