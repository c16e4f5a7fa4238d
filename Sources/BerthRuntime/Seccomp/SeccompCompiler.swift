// Compiles the default policy to filter bytes with libseccomp. Slow for several architectures, so the bytes are cached.
import BerthLinux
import BerthModel
import CSeccomp

/// Filter bytes for a set of capabilities, compiled once per (policy, capabilities, library, kernel) and kept on disk.
package struct SeccompCompiler: Sendable {
    /// Part of the cache key: raise it when the tables or the prelude change.
    private static let policyVersion = 2
    private let cacheDirectory: String

    package init(cacheDirectory: String) { self.cacheDirectory = cacheDirectory }

    package func filter(boundingSet: UInt64) throws -> [UInt8] {
        let library = seccomp_version()?.pointee
        let version = library.map { "\($0.major).\($0.minor).\($0.micro)" } ?? "0"
        let key =
            "default-\(SeccompCompiler.policyVersion)-\(String(boundingSet, radix: 16))-\(version)-\(KernelRelease.current)"
        let path = "\(cacheDirectory)/\(key)"
        if let cached = SeccompCompiler.verified(try? FileIO.read(path, limit: 1 << 20)) { return cached }
        let filter = try SeccompCompiler.compile(boundingSet: boundingSet)
        // Ignored: a cache that cannot be written costs time, nothing else.
        try? Directory.make(cacheDirectory)
        try? FileIO.replace(path, SeccompCompiler.sealed(filter), durable: false)
        return filter
    }

    /// Content with its own checksum in front: a torn or altered cache file is no filter.
    private static func sealed(_ filter: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.int(Int64(bitPattern: checksum(filter)))
        writer.data(filter)
        return writer.bytes
    }

    private static func verified(_ content: [UInt8]?) -> [UInt8]? {
        guard let content else { return nil }
        var reader = WireReader(content)
        guard let sum = try? reader.int(as: Int64.self), let filter = try? reader.data(), reader.isAtEnd,
            UInt64(bitPattern: sum) == checksum(filter)
        else { return nil }
        return filter
    }

    /// FNV-1a: guards against accidents; whoever can write the cache is root anyway.
    private static func checksum(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    static func compile(boundingSet: UInt64) throws -> [UInt8] {
        guard let context = seccomp_init(errnoAction(1)) else {
            throw BerthError(.internal, "preparing the seccomp filter", cause: "libseccomp has no context")
        }
        defer { seccomp_release(context) }
        for name in DefaultSeccomp.architectures {
            let token = seccomp_arch_resolve_name(name)
            if token != 0 && seccomp_arch_exist(context, token) != 0 {
                try check(seccomp_arch_add(context, token), name)
            }
        }
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 1)
        var names = DefaultSeccomp.always + DefaultSeccomp.tracing + DefaultSeccomp.byArchitecture
        for (capability, more) in DefaultSeccomp.byCapability {
            guard let number = CapabilityNames.number(capability), boundingSet & (1 << UInt64(number)) != 0 else {
                continue
            }
            names += more
        }
        for name in names { try allow(context, name) }
        try addConditions(context, isAdministrator: boundingSet & (1 << 21) != 0)
        return SeccompPrelude(allowing: names).bytes + (try exported(context))
    }

    private static func errnoAction(_ code: UInt32) -> UInt32 { 0x0005_0000 | code }
    private static let allowAction: UInt32 = 0x7fff_0000

    static func check(_ code: Int32, _ subject: String) throws {
        guard code == 0 else {
            throw BerthError(.internal, "building the seccomp filter", cause: "\(subject): libseccomp says \(code)")
        }
    }

    private static func allow(_ context: scmp_filter_ctx, _ name: String) throws {
        let number = seccomp_syscall_resolve_name(name)
        if number == -1 { return }  // newer than the library: the prelude knows it
        let code = seccomp_rule_add_array(context, allowAction, number, 0, nil)
        // EEXIST: named twice. EDOM: not on one of the architectures.
        if code != 0 && code != -17 && code != -33 { try check(code, name) }
    }

    /// Rules that look at arguments: socket families, personalities, namespaces in clone.
    private static func addConditions(_ context: scmp_filter_ctx, isAdministrator: Bool) throws {
        func rule(_ name: String, _ comparisons: [scmp_arg_cmp], action: UInt32 = allowAction) throws {
            let number = seccomp_syscall_resolve_name(name)
            let code = seccomp_rule_add_array(context, action, number, UInt32(comparisons.count), comparisons)
            if code != 0 && code != -17 && code != -33 { try check(code, name) }
        }
        // All families but AF_ALG (38) and AF_VSOCK (40).
        try rule("socket", [scmp_arg_cmp(arg: 0, op: SCMP_CMP_LT, datum_a: 38, datum_b: 0)])
        try rule("socket", [scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: 39, datum_b: 0)])
        try rule("socket", [scmp_arg_cmp(arg: 0, op: SCMP_CMP_GT, datum_a: 40, datum_b: 0)])
        for personality: UInt64 in [0, 8, 0x20000, 0x20008, 0xffff_ffff] {
            try rule("personality", [scmp_arg_cmp(arg: 0, op: SCMP_CMP_EQ, datum_a: personality, datum_b: 0)])
        }
        if isAdministrator { return }
        // clone without any flag that makes a namespace; clone3's flags are in memory, so it does not exist.
        try rule("clone", [scmp_arg_cmp(arg: 0, op: SCMP_CMP_MASKED_EQ, datum_a: 0x7E02_0000, datum_b: 0)])
        try rule("clone3", [], action: errnoAction(38))
    }

    static func exported(_ context: scmp_filter_ctx) throws -> [UInt8] {
        let pipe = try Process.pipe()
        // A filter is about 8 KiB and a pipe holds 64.
        try check(seccomp_export_bpf(context, pipe.write.number), "export")
        let read = pipe.read
        withExtendedLifetime(pipe.write) {}
        return try FileIO.readAvailable(number: read.number, limit: 64 << 10)
    }
}
