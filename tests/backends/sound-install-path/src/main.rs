fn main() {
    println!("sound-install-path: the program");
}
