fn main() {
    println!("c8: the version before");
}
