fn main() {
    println!("called where it was installed");
}
