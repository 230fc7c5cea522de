fn main() {
    println!("page: {}", include_str!("../../pages/page.txt").trim());
}
