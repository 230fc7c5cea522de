fn main() {
    println!("sound-rm-target: the program");
}
