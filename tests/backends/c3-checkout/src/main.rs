fn main() {
    println!("c3: checked out a minute ago");
}
