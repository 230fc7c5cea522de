fn main() {
    println!("d3: the server");
}
