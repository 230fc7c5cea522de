fn main() {
    println!("the worker");
}
