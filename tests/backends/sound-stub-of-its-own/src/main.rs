fn main() {
    println!("beside a stub of its own");
}
