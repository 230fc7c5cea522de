fn main() {
    println!("built in an environment of its own");
}
