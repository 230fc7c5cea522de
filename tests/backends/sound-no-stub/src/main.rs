fn main() {
    println!("sound-no-stub: the program");
}
