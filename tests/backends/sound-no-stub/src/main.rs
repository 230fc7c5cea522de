fn main() {
    println!("sound: built once");
}
