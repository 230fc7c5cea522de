fn main() {
    println!("c6: what is written now");
}
