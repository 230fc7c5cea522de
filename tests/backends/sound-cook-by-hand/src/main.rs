fn main() {
    println!("sound-cook-by-hand: the program");
}
