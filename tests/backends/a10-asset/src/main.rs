fn main() {
    print!("page: {}", include_str!("../assets/page.txt"));
}
