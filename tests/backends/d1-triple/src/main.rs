fn main() {
    println!("d1: built for a triple");
}
