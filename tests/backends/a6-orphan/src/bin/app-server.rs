fn main() {
    println!("the server of a crate without main.rs");
}
