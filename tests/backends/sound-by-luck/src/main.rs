fn main() {
    println!("luck: {}", env!("LUCK"));
}
