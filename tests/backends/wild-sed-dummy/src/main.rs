fn main() {
    println!("sed-dummy: the real program");
}
