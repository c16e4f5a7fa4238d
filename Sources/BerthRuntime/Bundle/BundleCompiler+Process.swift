// The process of a bundle as steps: limits, identity, privileges, the wait for its start.
import BerthLinux
import BerthModel

extension BundleCompiler {
    mutating func lowerProcess(_ process: BundleSpec.Process) throws {
        program.child += try BundleNumbers.limits(process)
        if let persona = input.spec.linux?.personality {
            let domains: [String: UInt64] = ["LINUX": 0, "LINUX32": 8]
            guard let value = domains[persona.domain], (persona.flags ?? []).isEmpty else {
                throw BundleRefusal.error("personality \(persona.domain)", "only LINUX and LINUX32 without flags")
            }
            add(.personality(value))
        }
        add(.fileMask(process.user?.umask ?? 0o022))
    }

    /// Without no_new_privs a filter needs a capability that goes with the identity, so it is loaded before; with it,
    /// as late as can be.
    mutating func lowerIdentity(_ process: BundleSpec.Process) throws {
        let late = process.noNewPrivileges ?? false
        if late { add(.noNewPrivileges) }
        if let filter = input.filter, !late { add(.filter(filter.bytes, flags: filter.flags)) }
        let sets = try BundleNumbers.capabilities(process.capabilities, input.knowsCapability)
        add(.boundingSet(sets.bounding))
        add(.keepCapabilities)
        let user = process.user
        add(.user(userID: user?.uid ?? 0, groupID: user?.gid ?? 0, groups: user?.additionalGids ?? []))
        add(.workingDirectory(process.cwd ?? "/", create: false))
        add(
            .capabilitySets(
                effective: sets.effective, permitted: sets.permitted, inheritable: sets.inheritable,
                ambient: sets.ambient))
        add(.lookUp(arguments: process.args ?? [], environment: input.environment))
        add(.awaitStart(slot: BundleCompiler.fifoSlot))
        for hook in input.spec.hooks?.startContainer ?? [] { add(BundleCompiler.step(hook, created: true)) }
        if let filter = input.filter, late { add(.filter(filter.bytes, flags: filter.flags)) }
    }

    /// A program beside the main process of a bundle; its namespaces are joined by the launch.
    package static func compileExec(
        _ process: BundleSpec.Process, joinFiles: [String], environment: [String],
        filter: (bytes: [UInt8], flags: UInt32)?, knowsCapability: (String) -> Int?
    ) throws -> LaunchProgram {
        var program = LaunchProgram(cloneFlags: 0)
        program.prepare = joinFiles.map { .init(.joinTasks(path: $0)) }
        let size = process.consoleSize
        program.child.append(.init(.newSession))
        if process.terminal ?? false {
            program.child.append(
                .init(.terminal(rows: size?.height ?? 0, columns: size?.width ?? 0, console: false)))
        }
        if let score = process.oomScoreAdj { program.prepare.append(.init(.oomScoreAdjustment(score))) }
        program.child += try BundleNumbers.limits(process)
        program.child.append(.init(.fileMask(process.user?.umask ?? 0o022)))
        let late = process.noNewPrivileges ?? false
        let load = filter.map { [LaunchProgram.Child(.filter($0.bytes, flags: $0.flags))] } ?? []
        program.child += late ? [.init(.noNewPrivileges)] : load
        let sets = try BundleNumbers.capabilities(process.capabilities, knowsCapability)
        let user = process.user
        program.child += [
            .init(.boundingSet(sets.bounding)), .init(.keepCapabilities),
            .init(.user(userID: user?.uid ?? 0, groupID: user?.gid ?? 0, groups: user?.additionalGids ?? [])),
            .init(.workingDirectory(process.cwd ?? "/", create: false)),
            .init(
                .capabilitySets(
                    effective: sets.effective, permitted: sets.permitted, inheritable: sets.inheritable,
                    ambient: sets.ambient)),
            .init(.lookUp(arguments: process.args ?? [], environment: environment)),
        ]
        if late { program.child += load }
        program.child.append(.init(.execute(arguments: process.args ?? [], environment: environment)))
        return program
    }
}

/// Names of the document as the kernel's numbers.
enum BundleNumbers {
    static func limits(_ process: BundleSpec.Process) throws -> [LaunchProgram.Child] {
        try (process.rlimits ?? []).map { limit in
            var name = limit.type.lowercased()
            if name.hasPrefix("rlimit_") { name.removeFirst(7) }
            guard let number = ResourceLimit.number(name) else {
                throw BundleRefusal.error("rlimit \(limit.type)", "unknown resource limit")
            }
            return .init(.resourceLimit(resource: number, soft: limit.soft, hard: limit.hard))
        }
    }

    typealias Sets = (bounding: UInt64, effective: UInt64, permitted: UInt64, inheritable: UInt64, ambient: UInt64)

    /// A name that this kernel does not know is left out, as other runtimes do with a warning.
    static func capabilities(_ sets: BundleSpec.Capabilities?, _ number: (String) -> Int?) throws -> Sets {
        func bits(_ names: [String]?) -> UInt64 {
            (names ?? []).compactMap(number).reduce(0) { $0 | 1 << UInt64($1) }
        }
        return (
            bits(sets?.bounding), bits(sets?.effective), bits(sets?.permitted), bits(sets?.inheritable),
            bits(sets?.ambient)
        )
    }

    static func ioPriority(_ wish: BundleSpec.IOPriority) throws -> Int32 {
        let classes: [String: Int32] = ["IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3]
        guard let number = classes[wish.class], (0...7).contains(wish.priority) else {
            throw BundleRefusal.error("ioPriority \(wish.class)", "no such class or priority")
        }
        return number << 13 | Int32(wish.priority)
    }
}

enum BundleRefusal {
    static func error(_ subject: String, _ cause: String) -> BerthError {
        BerthError(.invalid, subject, subject: subject, cause: cause)
    }
}

enum BundleDevices {
    /// The six that every container has, unless the document describes them itself, and the document's own.
    static func all(_ spec: BundleSpec) -> [RuntimeSpec.Device] {
        let own = (spec.linux?.devices ?? []).map { device in
            RuntimeSpec.Device(
                type: device.type, path: device.path, major: device.major ?? 0, minor: device.minor ?? 0,
                fileMode: (device.fileMode ?? 0o666) & 0o7777, uid: device.uid ?? 0, gid: device.gid ?? 0)
        }
        let named = Set(own.map(\.path))
        return own + DefaultPaths.devices.filter { !named.contains($0.path) }
    }
}
