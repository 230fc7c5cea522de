fn main() {
    println!("c8: the version before, in the builder image");
}
