fn main() {
    println!("c9-rewritten-times: the real program");
}
