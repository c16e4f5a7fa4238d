// Across a boot: what ran and whose policy says so runs again, each stack in its own order and through its gates.
import BerthLinux
import BerthModel
import BerthPlan
import Logging
import Synchronization

/// Bringing stacks back: while it lasts the agent is needed, and afterwards its outcome is.
struct Resumption {
    var work: Task<ResumeReport, Never>?
    var isUnderWay = false
}

extension Engine {
    /// Stands before the boot's id while everything was stopped for a shutdown.
    static let suspendedMark = "suspended "

    /// Whether the state that we found is of this boot, and whether stacks are to come back.
    func compareBoot() throws -> (isSame: Bool, resumes: Bool) {
        let boot = (try? FileIO.readText("/proc/sys/kernel/random/boot_id").filter { $0 != "\n" }) ?? ""
        let known = try parts.store.bootID() ?? ""
        try parts.store.setBootID(boot)
        let isSuspended = known == Engine.suspendedMark + boot
        // A state that has never seen a boot has nothing to bring back.
        return (known == boot || isSuspended, isSuspended || (known != boot && !known.isEmpty))
    }

    /// What a machine that went down had been doing: its end is noted, and no policy looks at it yet.
    func noteDown(_ row: ContainerRow) -> ContainerRow {
        var row = row
        guard row.status.isRunning || row.status.state == .restarting else { return row }
        row.status.state = .exited
        row.status.exitCode = 255
        row.status.processID = nil
        row.status.health = .none
        row.status.finished = Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds())
        return row
    }

    /// Docker's rules for a daemon that starts; `wasUp` counts for the policies that look at how a container ended.
    static func comesBack(_ record: ContainerRecord, _ status: ContainerStatus, wasUp: Bool) -> Bool {
        if record.slot.oneOff != nil || status.state == .created || status.isRunning { return false }
        switch record.service.restart {
        case .no: return false
        case .always: return true
        case .unlessStopped: return !status.manuallyStopped
        case .onFailure: return wasUp && !status.manuallyStopped
        }
    }

    /// Begins to bring stacks back, side by side.
    func beginResuming(_ due: [String: Set<String>]) {
        if due.isEmpty { return }
        let work = Task {
            await withTaskGroup(of: ResumeReport.Stack.self) { group in
                for (name, services) in due { group.addTask { await self.bringBack(name, services.sorted()) } }
                var stacks: [ResumeReport.Stack] = []
                for await stack in group { stacks.append(stack) }
                return ResumeReport(stacks: stacks.sorted { $0.name < $1.name })
            }
        }
        parts.resumption.withLock { $0 = Resumption(work: work, isUnderWay: true) }
        Task {
            _ = await work.value
            parts.resumption.withLock { $0.isUnderWay = false }
            parts.statusChanged()
        }
    }

    private func bringBack(_ name: String, _ services: [String]) async -> ResumeReport.Stack {
        var options = ChangeOptions(.start)
        options.services = services
        // What has no policy stays as it is: a job that is done is done.
        options.includeDependencies = false
        do {
            try await change(name, nil, options, dryRun: false, report: { _ in })
            parts.logger.info("resumed", metadata: ["stack": "\(name)", "services": "\(services)"])
            return ResumeReport.Stack(name: name, services: services)
        } catch {
            parts.logger.error("not resumed", metadata: ["stack": "\(name)", "error": "\(error)"])
            let failure = error as? BerthError ?? BerthError(.internal, "starting \(name)", cause: "\(error)")
            return ResumeReport.Stack(name: name, services: services, error: failure)
        }
    }

    /// Waits for what a boot has begun; begins it where a shutdown was called off.
    package func resume() async throws -> ResumeReport {
        let (_, resumes) = try compareBoot()
        if resumes {
            var due: [String: Set<String>] = [:]
            for (driver, record) in parts.registry.all()
            where Engine.comesBack(record, await driver.status, wasUp: await driver.wasSuspended) {
                due[record.stack, default: []].insert(record.slot.service)
            }
            beginResuming(due)
        }
        return await parts.resumption.withLock { $0.work }?.value ?? ResumeReport()
    }

    /// Before a shutdown: everything stops in its order and with its own signals, and is to come back.
    package func suspend() async throws {
        let boot = (try? FileIO.readText("/proc/sys/kernel/random/boot_id").filter { $0 != "\n" }) ?? ""
        var drivers: [ContainerDriver] = []
        var stacks: Set<String> = []
        for (driver, record) in parts.registry.all() {
            let status = await driver.status
            guard status.isRunning || status.state == .restarting else { continue }
            drivers.append(driver)
            stacks.insert(record.stack)
        }
        await withTaskGroup(of: Void.self) { group in
            for name in stacks {
                group.addTask {
                    do { try await self.change(name, nil, ChangeOptions(.stop), dryRun: false, report: { _ in }) } catch
                    {
                        self.parts.logger.error("not stopped", metadata: ["stack": "\(name)", "error": "\(error)"])
                    }
                }
            }
        }
        for driver in drivers { await driver.suspended() }
        try parts.store.setBootID(Engine.suspendedMark + boot)
    }
}
