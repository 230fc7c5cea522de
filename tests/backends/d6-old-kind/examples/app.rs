fn main() {
    println!("d6: the example that it grew out of");
}
