// Lowers a device policy into a BPF program, which the kernel asks for every open and mknod in a v2 group. Pure.

enum DeviceProgramCompiler {
    /// Registers of the program. The context arrives in `scratch`, which is free once it is read.
    private enum Register: UInt64 {
        case result = 0
        case scratch = 1
        case kind = 2
        case access = 3
        case major = 4
        case minor = 5
    }

    private enum Operation: UInt64 {
        case load32 = 0x61
        case move64Constant = 0xb7
        case move32Register = 0xbc
        case and32Constant = 0x54
        case shiftRight32Constant = 0x74
        case jump32IfEqual = 0x16
        case jump32IfNotEqual = 0x56
        case exit = 0x95
    }

    static func compile(_ policy: DevicePolicy) -> [UInt64] {
        // The context: access in the upper and kind in the lower half of its first word, then major, then minor.
        var program = [
            encode(.load32, to: .kind, from: .scratch, offset: 0),
            encode(.load32, to: .major, from: .scratch, offset: 4),
            encode(.load32, to: .minor, from: .scratch, offset: 8),
            encode(.move32Register, to: .access, from: .kind),
            encode(.shiftRight32Constant, to: .access, constant: 16),
            encode(.and32Constant, to: .kind, constant: 0xffff),
        ]
        for exception in policy.exceptions { program += block(exception, allows: !policy.allowsByDefault) }
        return program + outcome(policy.allowsByDefault)
    }

    /// Each test that fails jumps behind the block.
    private static func block(_ exception: DevicePolicy.Exception, allows: Bool) -> [UInt64] {
        let access = exception.access
        var tests: [[UInt64]] = []
        if let minor = exception.minor { tests.append([compare(.minor, minor)]) }
        if let major = exception.major { tests.append([compare(.major, major)]) }
        if !allows {
            tests.append(masked(access.rawValue, .jump32IfEqual))
        } else if access != .all {
            // All that is asked must be allowed: nothing may be asked beside it.
            tests.append(masked(DevicePolicy.Access.all.subtracting(access).rawValue, .jump32IfNotEqual))
        }
        tests.append([compare(.kind, UInt32(exception.kind.rawValue))])
        var block = outcome(allows)
        // From the last to the first, so that each knows how far the end is. A test's jump is its last instruction.
        for test in tests {
            let jump = (test.last ?? 0) | UInt64(block.count) << 16
            block = test.dropLast() + [jump] + block
        }
        return block
    }

    private static func compare(_ register: Register, _ value: UInt32) -> UInt64 {
        encode(.jump32IfNotEqual, to: register, constant: value)
    }

    private static func masked(_ mask: Int32, _ jump: Operation) -> [UInt64] {
        [
            encode(.move32Register, to: .scratch, from: .access),
            encode(.and32Constant, to: .scratch, constant: UInt32(mask)), encode(jump, to: .scratch, constant: 0),
        ]
    }

    private static func outcome(_ allows: Bool) -> [UInt64] {
        [encode(.move64Constant, to: .result, constant: allows ? 1 : 0), encode(.exit)]
    }

    /// As a little-endian machine has it: operation, target and source, offset, constant.
    private static func encode(
        _ operation: Operation, to target: Register = .result, from source: Register = .result, offset: UInt64 = 0,
        constant: UInt32 = 0
    ) -> UInt64 {
        operation.rawValue | target.rawValue << 8 | source.rawValue << 12 | offset << 16 | UInt64(constant) << 32
    }
}
