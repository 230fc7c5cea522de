fn main() {
    println!("d2: built in the second stage");
}
