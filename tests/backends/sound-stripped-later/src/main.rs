fn main() {
    println!("sound-stripped-later: the program");
}
