fn main() {
    println!("c1: the version before");
}
