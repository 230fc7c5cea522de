fn main() {
    println!("a program of another name than its package");
}
