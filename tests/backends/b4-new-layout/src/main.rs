fn main() {
    println!("b4-new-layout: the real program");
}
