fn main() {
    println!("d2: the administration tool");
}
