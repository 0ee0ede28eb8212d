internal import Glibc

/// Lends `words` as a C program's arguments: pointers to strings, with a null pointer behind.
///
/// The strings live until `body` returns.
public func withArgumentVector<R>(
  _ words: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
  let vector = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
    capacity: words.count + 1)
  for (index, word) in words.enumerated() {
    unsafe (vector + index).initialize(to: strdup(word))
  }
  unsafe (vector + words.count).initialize(to: nil)
  defer {
    for index in words.indices { unsafe free(vector[index]) }
    unsafe vector.deallocate()
  }
  return unsafe body(vector)
}
