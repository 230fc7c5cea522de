fn main() {
    println!("sound-stripped: the program");
}
