fn main() {
    println!("installed: the real program");
}
