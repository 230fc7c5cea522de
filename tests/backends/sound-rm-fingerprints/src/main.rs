fn main() {
    println!("sound-rm-fingerprints: the program");
}
