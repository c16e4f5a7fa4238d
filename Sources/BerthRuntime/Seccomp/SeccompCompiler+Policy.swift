// Compiles a bundle's own policy: every action, comparison, flag and architecture that libseccomp knows.
import BerthLinux
import BerthModel
import CSeccomp

extension SeccompCompiler {
    /// Filter bytes and the flags of seccomp(2) that go with them.
    package static func compile(_ policy: SeccompPolicy) throws -> (filter: [UInt8], flags: UInt32) {
        if policy.listenerPath.map({ !$0.isEmpty }) ?? false {
            throw refusal("listenerPath", "notifying another process is not supported")
        }
        let standard = try action(policy.defaultAction, policy.defaultErrnoRet)
        guard let context = seccomp_init(standard) else {
            throw refusal(policy.defaultAction, "libseccomp has no such default action")
        }
        defer { seccomp_release(context) }
        for name in policy.architectures ?? [] {
            var short = name.lowercased()
            if short.hasPrefix("scmp_arch_") { short.removeFirst(10) }
            let token = seccomp_arch_resolve_name(short)
            if token == 0 { throw refusal(name, "unknown architecture") }
            if seccomp_arch_exist(context, token) != 0 { try check(seccomp_arch_add(context, token), name) }
        }
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0)
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        for rule in policy.syscalls ?? [] { try add(rule, standard, to: context) }
        return (try exported(context), try flags(policy.flags ?? []))
    }

    private static func flags(_ names: [String]) throws -> UInt32 {
        var flags: UInt32 = 0
        for name in names {
            switch name {
            case "SECCOMP_FILTER_FLAG_TSYNC": flags |= 1
            case "SECCOMP_FILTER_FLAG_LOG": flags |= 2
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags |= 4
            case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": flags |= 0
            default: throw refusal(name, "unknown flag")
            }
        }
        return flags
    }

    private static func action(_ name: String, _ code: UInt32?) throws -> UInt32 {
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": 0
        case "SCMP_ACT_KILL_PROCESS": 0x8000_0000
        case "SCMP_ACT_TRAP": 0x0003_0000
        case "SCMP_ACT_ERRNO": 0x0005_0000 | (code ?? 1)
        case "SCMP_ACT_TRACE": 0x7ff0_0000 | (code ?? 1)
        case "SCMP_ACT_LOG": 0x7ffc_0000
        case "SCMP_ACT_ALLOW": 0x7fff_0000
        case "SCMP_ACT_NOTIFY": throw refusal(name, "notifying another process is not supported")
        default: throw refusal(name, "unknown action")
        }
    }

    private static func add(_ rule: SeccompPolicy.Rule, _ standard: UInt32, to context: scmp_filter_ctx) throws {
        let action = try action(rule.action, rule.errnoRet)
        // The library refuses rules that say what is so anyway.
        if action == standard { return }
        for name in rule.names {
            let number = seccomp_syscall_resolve_name(name)
            if number == -1 { continue }
            let comparisons = try (rule.args ?? []).map(comparison)
            // Several conditions on one argument are alternatives; on different ones, all must hold.
            if Set(comparisons.map(\.arg)).count < comparisons.count {
                for one in comparisons {
                    try tolerate(seccomp_rule_add_array(context, action, number, 1, [one]), name)
                }
            } else {
                let count = UInt32(comparisons.count)
                try tolerate(seccomp_rule_add_array(context, action, number, count, comparisons), name)
            }
        }
    }

    /// EEXIST: named twice. EDOM: not on one of the architectures.
    private static func tolerate(_ code: Int32, _ name: String) throws {
        if code != 0 && code != -17 && code != -33 { try check(code, name) }
    }

    private static func comparison(_ argument: SeccompPolicy.Argument) throws -> scmp_arg_cmp {
        let operators: [String: scmp_compare] = [
            "SCMP_CMP_NE": SCMP_CMP_NE, "SCMP_CMP_LT": SCMP_CMP_LT, "SCMP_CMP_LE": SCMP_CMP_LE,
            "SCMP_CMP_EQ": SCMP_CMP_EQ, "SCMP_CMP_GE": SCMP_CMP_GE, "SCMP_CMP_GT": SCMP_CMP_GT,
            "SCMP_CMP_MASKED_EQ": SCMP_CMP_MASKED_EQ,
        ]
        guard let op = operators[argument.op], argument.index < 6 else {
            throw refusal(argument.op, "unknown comparison")
        }
        return scmp_arg_cmp(
            arg: argument.index, op: op, datum_a: argument.value, datum_b: argument.valueTwo ?? 0)
    }

    private static func refusal(_ subject: String, _ cause: String) -> BerthError {
        BerthError(.invalid, "seccomp: \(subject)", subject: subject, cause: cause)
    }
}
