fn main() {
    println!("past every witness");
}
