fn main() {
    println!("c2-normalised: the real program");
}
