// Owned file descriptors: closed exactly once, never inherited by accident.
import CLinux

/// A file descriptor with one owner. Closed when the owner goes away or by `close()`.
package struct Descriptor: ~Copyable, Sendable {
    /// The kernel's number. Borrow it for a call; never store it past the owner's life.
    package let number: Int32

    /// Takes ownership of an open descriptor.
    package init(owning number: Int32) {
        precondition(number >= 0, "a descriptor is never negative")
        self.number = number
    }

    deinit { _ = CLinux.close(number) }

    /// Closes now. Errors of close are not reported: Linux closes the descriptor in every case.
    package consuming func close() {}

    /// Gives up ownership; the caller must close the number.
    package consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// A second descriptor of the same open file, close-on-exec.
    package borrowing func duplicate() throws(SystemError) -> Descriptor {
        let copy = try systemCall("fcntl", "F_DUPFD_CLOEXEC") { clinux_fcntl(number, F_DUPFD_CLOEXEC, 0) }
        return Descriptor(owning: copy)
    }
}

/// A descriptor that several owners share, for collections and actors where a `~Copyable` value cannot live.
/// Closed when the last reference goes away.
package final class SharedDescriptor: Sendable {
    private let owned: Descriptor

    package init(_ descriptor: consuming Descriptor) { owned = descriptor }

    /// The kernel's number, valid while this reference is held.
    package var number: Int32 { owned.number }

    /// A second descriptor of the same open file with an owner of its own, close-on-exec.
    package func duplicate() throws(SystemError) -> Descriptor { try owned.duplicate() }
}
