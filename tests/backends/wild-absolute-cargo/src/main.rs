fn main() {
    println!("called by its path");
}
