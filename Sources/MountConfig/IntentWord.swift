/// What a crash may cost (key `intent`, rule M9).
public enum IntentWord: String, CaseIterable, Sendable {
  /// Nothing, even when the power goes.
  case durable
  /// Nothing when the program ends; a loss of power asks for a scrub.
  case process
  /// Either asks for a scrub.
  case off
}

/// What is believed of legs that were there before (key `initial_sync`, rule M16).
public enum InitialSyncWord: String, CaseIterable, Sendable {
  /// Nothing: they are compared.
  case verify
  /// The first leg is right.
  case firstLeg = "first-leg"
  /// They are equal.
  case assumeInSync = "assume-in-sync"
}
