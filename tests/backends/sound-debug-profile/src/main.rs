fn main() {
    println!("sound-debug-profile: the program");
}
