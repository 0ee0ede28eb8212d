/// Values that are taken and given back by number, and changed where they lie.
///
/// An array in a class would do, but for the checks for exclusive access that every touch of it
/// makes at run time: together they took half the time of a request. Owned by one thread at a time.
/// Its user ends an access before it calls anything that may come back to the same element.
@safe final class Slab<Element> {
  // Safe: the pointers are made and freed here and never leave; an index outside traps.
  private var elements: UnsafeMutablePointer<Element>
  /// A stack of the numbers that nobody has.
  private var free: UnsafeMutablePointer<Int>
  private var freeCount: Int
  private var capacity: Int
  private let make: () -> Element

  init(capacity: Int, make: @escaping () -> Element) {
    self.capacity = capacity
    self.make = make
    freeCount = capacity
    unsafe elements = .allocate(capacity: capacity)
    unsafe free = .allocate(capacity: capacity)
    for index in 0..<capacity {
      unsafe (elements + index).initialize(to: make())
      unsafe free[index] = capacity - 1 - index
    }
  }

  deinit {
    unsafe elements.deinitialize(count: capacity).deallocate()
    unsafe free.deallocate()
  }

  /// How many elements are taken.
  var takenCount: Int { capacity - freeCount }

  subscript(index: Int) -> Element {
    unsafeAddress {
      precondition(index >= 0 && index < capacity, "an element of the slab")
      return unsafe UnsafePointer(elements + index)
    }
    unsafeMutableAddress {
      precondition(index >= 0 && index < capacity, "an element of the slab")
      return unsafe elements + index
    }
  }

  /// The number of an element that nobody has; as its last owner left it.
  func take() -> Int {
    if freeCount == 0 { grow() }
    freeCount -= 1
    return unsafe free[freeCount]
  }

  func giveBack(_ index: Int) {
    unsafe free[freeCount] = index
    freeCount += 1
  }

  private func grow() {
    let larger = capacity * 2
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    unsafe moved.moveInitialize(from: elements, count: capacity)
    unsafe elements.deallocate()
    unsafe elements = unsafe moved
    unsafe free.deallocate()
    unsafe free = .allocate(capacity: larger)
    for index in capacity..<larger {
      unsafe (elements + index).initialize(to: make())
      unsafe free[index - capacity] = larger - 1 - (index - capacity)
    }
    freeCount = larger - capacity
    capacity = larger
  }
}
