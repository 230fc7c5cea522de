fn main() {
    println!("{}", shared::say());
}
