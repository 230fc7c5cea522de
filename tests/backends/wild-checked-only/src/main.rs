fn main() {
    println!("checked: the program that was written");
}
