fn main() {
    println!("smaller than its stub");
}
