// Device rules: what they mean, the program that they become, and the kernel running it on this machine's v2 tree.
import BerthLinux
import BerthModel
import BerthTesting
import Testing

@testable import BerthRuntime

@Suite("Device rules")
struct DevicePolicyTests {
    typealias Kind = DevicePolicy.Kind

    static func policy(_ allowsByDefault: Bool, _ rules: [(Bool, String)]) throws -> DevicePolicy {
        var policy = DevicePolicy(allowsByDefault: allowsByDefault)
        for (allow, line) in rules { try policy.apply(line, allow: allow) }
        return policy
    }

    @Test("a default container makes any node, uses the standard ones, and no disk")
    func defaults() throws {
        let policy = try DevicePolicy(DeviceRules.defaults)
        for (kind, major, minor, access, expected): (Kind, UInt32, UInt32, DevicePolicy.Access, Bool) in [
            (.character, 1, 3, .all, true), (.character, 1, 9, .read, true), (.character, 5, 0, [.read, .write], true),
            (.character, 136, 77, .write, true), (.character, 10, 200, .write, true),
            (.block, 8, 0, .make, true), (.block, 8, 0, .read, false), (.block, 8, 0, [.make, .read], false),
            (.character, 1, 1, .read, false), (.character, 10, 229, .read, false), (.block, 1, 3, .read, false),
        ] {
            #expect(
                policy.permits(kind, major: major, minor: minor, access) == expected, "\(kind) \(major):\(minor)")
        }
    }

    @Test("rules are applied in their order, as the v1 controller does")
    func order() throws {
        let closed = try Self.policy(true, [(false, "a"), (true, "c 1:3 r"), (true, "c 1:3 w"), (false, "c 1:3 r")])
        #expect(closed.writes.map(\.value) == ["a", "c 1:3 w"])
        #expect(closed.writes.map(\.file) == ["devices.deny", "devices.allow"])
        let open = try Self.policy(false, [(true, "a *:* rwm"), (false, "b *:* w"), (false, "c 1:* r")])
        #expect(open.writes.map(\.value) == ["a", "b *:* w", "c 1:* r"])
        #expect(open.writes.map(\.file) == ["devices.allow", "devices.deny", "devices.deny"])
        #expect(!open.permits(.block, major: 8, minor: 1, [.read, .write]), "a part is forbidden")
        #expect(open.permits(.block, major: 8, minor: 1, .read))
        let narrowed = try Self.policy(false, [(true, "c *:* rw"), (false, "c 1:3 w")])
        #expect(narrowed.permits(.character, major: 1, minor: 3, .write), "an exception for all of a kind stays")
        #expect(try DevicePolicy([BundleResources.DeviceRule]()) == DevicePolicy(DeviceRules.defaults))
    }

    @Test(
        "what is no rule is an error that names it",
        arguments: [
            "", "c", "x 1:3 r", "c 1 r", "c 1:3:4 r", "c -1:3 r", "c 1:3", "c 1:3 rq", "c 4294967296:0 r", "c : r",
        ])
    func malformed(line: String) throws {
        var policy = DevicePolicy(allowsByDefault: false)
        #expect { try policy.apply(line, allow: true) } throws: { "\($0)".contains("'\(line)'") }
    }

    @Test("the program decides as the policy does", arguments: 0..<60)
    func program(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let majors: [UInt32] = [0, 1, 8, 0xffff_ffff]
        let word = { (values: [UInt32], random: inout SeededGenerator) -> String in
            Bool.random(using: &random) ? "*" : "\(values.randomElement(using: &random) ?? 0)"
        }
        var policy = DevicePolicy(allowsByDefault: Bool.random(using: &random))
        for _ in 0..<Int.random(in: 0...7, using: &random) {
            let letters = ["r", "w", "m", "rw", "rm", "rwm"].randomElement(using: &random) ?? "r"
            let kind = Bool.random(using: &random) ? "c" : "b"
            try policy.apply(
                "\(kind) \(word(majors, &random)):\(word(majors, &random)) \(letters)",
                allow: Bool.random(using: &random))
        }
        let program = DeviceProgramCompiler.compile(policy)
        for kind in [Kind.block, .character] {
            for major in majors {
                for minor in majors {
                    for bits in Int32(0)...7 {
                        let access = DevicePolicy.Access(rawValue: bits)
                        let context = [UInt32(bits) << 16 | UInt32(kind.rawValue), major, minor]
                        #expect(
                            try DeviceProgramInterpreter.run(program, context)
                                == (policy.permits(kind, major: major, minor: minor, access) ? 1 : 0),
                            "\(policy): \(kind) \(major):\(minor) \(bits)")
                    }
                }
            }
        }
    }
}

/// The few instructions that such programs are made of.
enum DeviceProgramInterpreter {
    struct Fault: Error { var instruction: UInt64 }

    static func run(_ program: [UInt64], _ context: [UInt32]) throws -> UInt64 {
        var registers = [UInt64](repeating: 0xdead_beef_dead_beef, count: 11)
        var place = 0
        while program.indices.contains(place) {
            let word = program[place]
            let (target, source) = (Int(word >> 8 & 15), Int(word >> 12 & 15))
            let offset = Int(Int16(truncatingIfNeeded: word >> 16))
            let constant = UInt32(truncatingIfNeeded: word >> 32)
            let low = UInt32(truncatingIfNeeded: registers[target])
            place += 1
            switch word & 0xff {
            case 0x61 where source == 1 && offset % 4 == 0 && offset / 4 < context.count:
                registers[target] = UInt64(context[offset / 4])
            case 0xb7: registers[target] = UInt64(bitPattern: Int64(Int32(bitPattern: constant)))
            case 0xbc: registers[target] = UInt64(UInt32(truncatingIfNeeded: registers[source]))
            case 0x54: registers[target] = UInt64(low & constant)
            case 0x74: registers[target] = UInt64(low >> constant)
            case 0x16: if low == constant { place += offset }
            case 0x56: if low != constant { place += offset }
            case 0x95: return registers[0]
            default: throw Fault(instruction: word)
            }
        }
        throw Fault(instruction: 0)
    }
}
