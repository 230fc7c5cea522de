fn main() {
    println!("sound: stripped");
}
