// A directory of a test's own, gone with the test.
import BerthLinux

package final class TemporaryDirectory: Sendable {
    package let path: String

    package init(_ name: String = "berth-test") throws {
        var bits = SystemRandomNumberGenerator()
        path = "/tmp/\(name)-\(String(bits.next(), radix: 36))"
        try Directory.make(path, mode: 0o700)
    }

    deinit { try? Directory.remove(path) }

    package func path(_ name: String) -> String { "\(path)/\(name)" }

    package func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    package func write(_ name: String, _ bytes: [UInt8]) throws {
        try FileIO.replace(path(name), bytes, durable: false)
    }
}
