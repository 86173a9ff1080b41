// Settings of jemalloc, which the programs use where it is found (apps/CMakeLists.txt). Without it
// nobody reads this.
extern "C" {
// Freed pages stay: the next simulation wants them, and a program that ends soon gives all back.
extern const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1";
}
