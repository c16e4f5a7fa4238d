// What runs before the library's filter: calls that are newer than the library, and what it cannot say.
import BerthLinux
import CSeccomp

/// Classic BPF in front of the exported filter.
///
/// A library of 2022 knows no call of 2024, and its answer to what it does not know is EPERM, which programs take for
/// a refusal. So newer calls are allowed here by number, and what is newer than the whole policy does not exist
/// (ENOSYS): programs then fall back to older calls.
struct SeccompPrelude {
    private let allowed: [UInt32]
    private let highest: UInt32

    /// - Parameter names: what the policy allows with the capabilities at hand.
    init(allowing names: [String]) {
        let newer = Set(names).compactMap { DefaultSeccomp.newer[$0] }
        allowed = newer.sorted()
        let known = DefaultSeccomp.always.map { seccomp_syscall_resolve_name($0) }.max() ?? 0
        highest = max(UInt32(max(known, 0)), DefaultSeccomp.newer.values.max() ?? 0)
    }

    #if arch(x86_64)
        private static let native: UInt32 = 0xC000_003E
        private static let compatible: UInt32 = 0x4000_0003
        private static let socketNumbers: (native: UInt32, compatible: UInt32) = (41, 359)
    #elseif arch(arm64)
        private static let native: UInt32 = 0xC000_00B7
        private static let compatible: UInt32 = 0x4000_0028
        private static let socketNumbers: (native: UInt32, compatible: UInt32) = (198, 281)
    #endif

    /// Bytes that fall through to whatever follows them.
    var bytes: [UInt8] {
        var program = FilterAssembly()
        program.load(FilterAssembly.architectureOffset)
        program.jump(.equal, SeccompPrelude.native, to: "native")
        program.jump(.equal, SeccompPrelude.compatible, to: "compatible")
        program.jump(to: "end")
        program.label("compatible")
        program.load(FilterAssembly.numberOffset)
        program.jump(.equal, SeccompPrelude.socketNumbers.compatible, to: "socket")
        program.jump(to: "common")
        program.label("native")
        program.load(FilterAssembly.numberOffset)
        appendNative(&program)
        program.label("common")
        program.jump(.greater, highest, to: "absent")
        for number in allowed { program.jump(.equal, number, to: "allow") }
        program.jump(to: "end")
        program.label("socket")
        // The kernel looks at 32 bits of the family, and so must we: AF_ALG and AF_VSOCK, whatever stands above them.
        program.load(FilterAssembly.firstArgumentOffset)
        program.jump(.equal, 38, to: "deny")
        program.jump(.equal, 40, to: "deny")
        program.jump(to: "end")
        program.label("allow")
        program.give(0x7fff_0000)
        program.label("absent")
        program.give(0x0005_0000 | 38)
        program.label("deny")
        program.give(0x0005_0000 | 1)
        program.label("end")
        return program.bytes
    }

    private func appendNative(_ program: inout FilterAssembly) {
        program.jump(.equal, SeccompPrelude.socketNumbers.native, to: "socket")
        #if arch(x86_64)
            program.jump(.equal, DefaultSeccomp.returnProbe, to: "allow")
            program.jump(.atLeast, 0x8000_0000, to: "end")
            program.jump(.atLeast, 0x4000_0000, to: "x32")
            program.jump(to: "common")
            program.label("x32")
            program.mask(0x3FFF_FFFF)
            program.jump(.equal, SeccompPrelude.socketNumbers.native, to: "socket")
            // x32 has calls of its own at 512 to 547, which the library knows.
            program.jump(.greater, 547, to: "absent")
            program.jump(.atLeast, 512, to: "end")
        #endif
    }
}

/// Instructions of classic BPF with names for places; a program is a few dozen long, so that every jump is in reach.
struct FilterAssembly {
    enum Comparison: UInt16 { case equal = 0x15, greater = 0x25, atLeast = 0x35 }
    static let numberOffset: UInt32 = 0
    static let architectureOffset: UInt32 = 4
    static let firstArgumentOffset: UInt32 = 16

    private struct Instruction {
        var code: UInt16
        var operand: UInt32
        var target: String?
    }
    private var instructions: [Instruction] = []
    private var places: [String: Int] = [:]

    mutating func load(_ offset: UInt32) { instructions.append(.init(code: 0x20, operand: offset)) }
    mutating func mask(_ value: UInt32) { instructions.append(.init(code: 0x54, operand: value)) }
    mutating func give(_ action: UInt32) { instructions.append(.init(code: 0x06, operand: action)) }
    mutating func label(_ name: String) { places[name] = instructions.count }
    mutating func jump(to target: String) { instructions.append(.init(code: 0x05, operand: 0, target: target)) }
    mutating func jump(_ comparison: Comparison, _ value: UInt32, to target: String) {
        instructions.append(.init(code: comparison.rawValue, operand: value, target: target))
    }

    /// `struct sock_filter`: code, jump where true, jump where false, operand.
    var bytes: [UInt8] {
        instructions.enumerated().flatMap { index, instruction -> [UInt8] in
            let distance = instruction.target.map { (places[$0] ?? instructions.count) - index - 1 } ?? 0
            let isPlainJump = instruction.code == 0x05
            let operand = isPlainJump ? UInt32(distance) : instruction.operand
            return [
                UInt8(instruction.code & 255), UInt8(instruction.code >> 8), isPlainJump ? 0 : UInt8(distance), 0,
            ] + (0..<4).map { UInt8(truncatingIfNeeded: operand >> UInt32(8 * $0)) }
        }
    }
}
