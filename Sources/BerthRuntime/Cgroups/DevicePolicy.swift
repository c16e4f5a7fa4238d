// What a group's processes may do with devices, as the v1 controller keeps it: a default and exceptions from it. Pure.
import BerthModel

package struct DevicePolicy: Sendable, Equatable {
    /// With the kernel's numbers in a device program's context.
    package enum Kind: Int32, Sendable {
        case block = 1
        case character = 2
        var letter: String { self == .block ? "b" : "c" }
    }

    package struct Access: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let make = Access(rawValue: 1)
        package static let read = Access(rawValue: 2)
        package static let write = Access(rawValue: 4)
        package static let all: Access = [.make, .read, .write]

        init?(_ letters: some StringProtocol) {
            self = []
            for letter in letters {
                switch letter {
                case "m": insert(.make)
                case "r": insert(.read)
                case "w": insert(.write)
                default: return nil
                }
            }
            if isEmpty { return nil }
        }

        var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.make) ? "m" : "")
        }
    }

    package struct Exception: Sendable, Equatable {
        package var kind: Kind
        /// Nil: every one.
        package var major: UInt32?
        package var minor: UInt32?
        package var access: Access

        func isSameDevice(as other: Exception) -> Bool {
            kind == other.kind && major == other.major && minor == other.minor
        }

        var line: String {
            "\(kind.letter) \(major.map { "\($0)" } ?? "*"):\(minor.map { "\($0)" } ?? "*") \(access.letters)"
        }
    }

    package var allowsByDefault: Bool
    package private(set) var exceptions: [Exception] = []

    package init(allowsByDefault: Bool) { self.allowsByDefault = allowsByDefault }

    /// Of a container of a stack.
    init(_ rules: DeviceRules) throws {
        self.init(allowsByDefault: rules.allowsEverything)
        if rules.allowsEverything { return }
        for line in rules.allowed { try apply(line, allow: true) }
    }

    /// Of a bundle: nothing, then the document's rules in order, then what every container may use whatever they say.
    init(_ rules: [BundleResources.DeviceRule]) throws {
        self.init(allowsByDefault: false)
        for rule in rules { try apply(rule.line, allow: rule.allow) }
        for line in DeviceRules.defaults.allowed { try apply(line, allow: true) }
    }

    /// Reads a rule as `devices.allow` and `devices.deny` do: `a`, or `c 1:3 rwm` with `*` for any number.
    mutating func apply(_ line: String, allow: Bool) throws {
        let words = line.split(separator: " ")
        // What stands behind an `a` has no meaning for the kernel either.
        if words.first == "a" {
            allowsByDefault = allow
            exceptions = []
            return
        }
        guard let exception = DevicePolicy.exception(words) else {
            throw BerthError(
                .invalid, "reading the device rule '\(line)'", cause: "it is not of the form 'c 1:3 rwm'",
                hint: "a kind (a, b, c), major:minor with * for any, and some of r, w, m")
        }
        apply(exception, allow: allow)
    }

    private mutating func apply(_ exception: Exception, allow: Bool) {
        let place = exceptions.firstIndex { $0.isSameDevice(as: exception) }
        if allow != allowsByDefault {
            if let place { exceptions[place].access.formUnion(exception.access) } else { exceptions.append(exception) }
        } else if let place {
            // Back to the default, for exactly this device: an exception for all of its kind stays.
            exceptions[place].access.subtract(exception.access)
            if exceptions[place].access.isEmpty { exceptions.remove(at: place) }
        }
    }

    private static func exception(_ words: [Substring]) -> Exception? {
        guard words.count == 3, let kind = words[0] == "b" ? Kind.block : words[0] == "c" ? .character : nil,
            let access = Access(words[2])
        else { return nil }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = number(numbers[0]), let minor = number(numbers[1]) else { return nil }
        return Exception(kind: kind, major: major, minor: minor, access: access)
    }

    /// Nil inside: any number. Nil: no number.
    private static func number(_ text: Substring) -> UInt32?? {
        if text == "*" { return .some(nil) }
        return UInt32(text).map { .some($0) }
    }

    /// Whether the kernel lets it happen.
    package func permits(_ kind: Kind, major: UInt32, minor: UInt32, _ access: Access) -> Bool {
        for exception in exceptions
        where exception.kind == kind && exception.major ?? major == major && exception.minor ?? minor == minor {
            // One exception must allow all that is asked; any may forbid a part.
            if allowsByDefault ? !access.isDisjoint(with: exception.access) : access.isSubset(of: exception.access) {
                return !allowsByDefault
            }
        }
        return allowsByDefault
    }

    /// As writes to the files of a v1 group. Closed first, so that nothing is open in between.
    var writes: [(file: String, value: String)] {
        let (base, other) =
            allowsByDefault ? ("devices.allow", "devices.deny") : ("devices.deny", "devices.allow")
        return [(base, "a")] + exceptions.map { (other, $0.line) }
    }
}
