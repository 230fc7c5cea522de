fn main() {
    println!("sound-packed: the program");
}
