import Glibc

/// Prints one message to stderr: results go to stdout, messages do not.
func printError(_ text: String) { printLines("mirrorfs: \(text)") }

/// Prints lines to stderr as they are.
func printLines(_ text: String) {
  let lines = text + "\n"
  unsafe _ = write(STDERR_FILENO, lines, lines.utf8.count)
}
