fn main() {
    println!("d3: the administration tool");
}
