fn main() {
    println!("the worker of the list");
}
