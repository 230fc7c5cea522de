fn main() {
    println!("c5: what is written now");
}
