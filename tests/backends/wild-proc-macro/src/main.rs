fn main() {
    println!("the macro says: {}", macros::greeting!());
}
