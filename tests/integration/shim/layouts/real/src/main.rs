fn main() {
    println!("{}", word::say());
}
