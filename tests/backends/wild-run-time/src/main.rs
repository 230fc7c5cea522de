fn main() {
    println!("built at run time");
}
