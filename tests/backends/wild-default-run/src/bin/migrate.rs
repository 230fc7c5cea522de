fn main() {
    println!("the migration");
}
