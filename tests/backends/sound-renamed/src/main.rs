fn main() {
    println!("sound-renamed: the program");
}
