fn main() {
    println!("d4: the program in a folder");
}
