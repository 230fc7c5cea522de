fn main() {
    println!("b8-backdated: the real program");
}
