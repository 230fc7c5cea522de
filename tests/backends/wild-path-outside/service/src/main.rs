fn main() {
    println!("beside the workspace: {}", shared::greeting());
}
