fn main() {
    println!("vendored: {}", tiny::answer());
}
