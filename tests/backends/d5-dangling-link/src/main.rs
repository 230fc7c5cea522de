fn main() {
    println!("d5: the program behind a link");
}
