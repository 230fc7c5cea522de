fn main() {
    println!("{}", app::greeting());
}
