fn main() {
    println!("sound-static-on-scratch: the program");
}
