fn main() {
    println!("the member counts to {}", count::up());
}
