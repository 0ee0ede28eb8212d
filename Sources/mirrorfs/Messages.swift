import Glibc

/// Prints one message to stderr: results go to stdout, messages do not.
func printError(_ text: String) {
  let line = "mirrorfs: \(text)\n"
  unsafe _ = write(STDERR_FILENO, line, line.utf8.count)
}
