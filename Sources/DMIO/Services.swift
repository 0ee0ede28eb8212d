public import BlockIO

/// dm-io's six services. As in the kernel's own later form (`struct dm_io_request`) the kind of
/// memory is a value, so there is one synchronous and one asynchronous call:
///
/// | memory | synchronous | asynchronous |
/// |---|---|---|
/// | `.pages` | `dm_io_sync` | `dm_io_async` |
/// | `.vectors` | `dm_io_sync_bvec` | `dm_io_async_bvec` |
/// | `.contiguous` | `dm_io_sync_vm` | `dm_io_async_vm` |
///
/// `num_regions` and `where` are `regions`, `rw` is `operation`, `error_bits` is the result, the
/// `io_notify_fn` and its context are the closure `notify`. Before any of them: ``get(pages:)``
/// (`dm_io_get`); afterwards ``put(pages:)`` (`dm_io_put`).
extension IOClient {
  /// Carries an operation out and waits for its end: `dm_io_sync`, `dm_io_sync_bvec`,
  /// `dm_io_sync_vm`.
  ///
  /// Blocks the calling thread; never returns while a transfer is under way (rule E9). The kernel
  /// returns an error when any bit is set (rule E5): that is `result.isSuccess`, or
  /// ``IOResult/orThrow()``.
  ///
  /// - Throws: ``IORequestError`` for what the caller got wrong; no I/O has taken place then.
  public func perform(
    _ operation: Operation, on regions: [Region], memory: IOMemory = .none
  ) throws(IORequestError) -> IOResult {
    try unsafe regions.withUnsafeBufferPointer { (regions) throws(IORequestError) in
      try memory.withTransferMemory { (memory) throws(IORequestError) in
        try unsafe perform(IORequest(operation, regions: regions, memory: memory))
      }
    }
  }

  /// Starts an operation and returns: `dm_io_async`, `dm_io_async_bvec`, `dm_io_async_vm`.
  ///
  /// `notify`, the kernel's `io_notify_fn`, runs exactly once, after all regions have ended, on the
  /// client's own thread, possibly before this call returns (rule E7). The request's slot is free
  /// by then, so it may start the next one, which never waits (rule E8). The regions and the lists
  /// are copied; the bytes belong to the request until `notify` runs.
  ///
  /// - Throws: ``IORequestError`` for what the caller got wrong; `notify` does not run then.
  public func start(
    _ operation: Operation, on regions: [Region], memory: IOMemory = .none,
    notify: @escaping @Sendable (IOResult) -> Void
  ) throws(IORequestError) {
    let lists = RequestLists(regions: regions, memory: memory)
    // The lists end with the request: notify is what holds them.
    try start(lists.request(operation)) { result in
      withExtendedLifetime(lists) { notify(result) }
    }
  }

  /// Carries an operation out; the task is suspended meanwhile and no thread is blocked, not even
  /// while the pool has no slot.
  ///
  /// Not cancellable: the bytes belong to the request until it has ended (rule E9).
  ///
  /// - Throws: ``IORequestError`` for what the caller got wrong; no I/O has taken place then.
  public func run(
    _ operation: Operation, on regions: [Region], memory: IOMemory = .none
  ) async throws(IORequestError) -> IOResult {
    let lists = RequestLists(regions: regions, memory: memory)
    try lists.request(operation).validate()
    let result: IOResult? = await suspended(order: resumptions) { end in
      enqueue(lists.request(operation), notify: end)
    }
    // The request reads the lists to its end.
    return try withExtendedLifetime(lists) { () throws(IORequestError) in
      guard let result else { throw .noPool }
      return result
    }
  }
}
