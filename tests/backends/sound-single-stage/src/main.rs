fn main() {
    println!("sound-single-stage: the program");
}
