// The build steps that run: who waits for the end of which container, and which cache mounts are in use.
import BerthLinux
import BerthModel
import Synchronization

final class StepBook: Sendable {
    private enum Entry { case running, awaited(CheckedContinuation<Int32, Never>), over(Int32) }
    private let entries = Mutex<[ContainerID: Entry]>([:])

    func began(_ id: ContainerID) { entries.withLock { $0[id] = .running } }
    func forget(_ id: ContainerID) { entries.withLock { _ = $0.removeValue(forKey: id) } }

    /// False: it is no step's.
    func ended(_ id: ContainerID, _ code: Int32) -> Bool {
        let waiter = entries.withLock { entries -> (Bool, CheckedContinuation<Int32, Never>?) in
            guard let entry = entries[id] else { return (false, nil) }
            entries[id] = .over(code)
            if case .awaited(let continuation) = entry { return (true, continuation) }
            return (true, nil)
        }
        waiter.1?.resume(returning: code)
        return waiter.0
    }

    /// The exit code, when there is one.
    func end(of id: ContainerID) async -> Int32 {
        await withCheckedContinuation { continuation in
            let code = entries.withLock { entries -> Int32? in
                if case .over(let code) = entries[id] { return code }
                entries[id] = .awaited(continuation)
                return nil
            }
            if let code { continuation.resume(returning: code) }
        }
    }
}

/// Cache mounts in use: `locked` ones by one step at a time, `private` ones each in a directory of its own.
actor CacheMountBook {
    private var locked: Set<String> = []
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]
    private var inUse: [String: Set<Int>] = [:]

    /// The directory's name below `cache/mounts`; `release` it when the step has ended.
    func take(_ id: String, sharing: String) async -> String {
        switch sharing {
        case "locked":
            while !locked.insert(id).inserted {
                await withCheckedContinuation { waiting[id, default: []].append($0) }
            }
            return id
        case "private":
            var number = 0
            while inUse[id, default: []].contains(number) { number += 1 }
            inUse[id, default: []].insert(number)
            return number == 0 ? id : "\(id)-\(number)"
        default: return id
        }
    }

    func release(_ id: String, name: String, sharing: String) {
        switch sharing {
        case "locked":
            locked.remove(id)
            for continuation in waiting.removeValue(forKey: id) ?? [] { continuation.resume() }
        case "private": inUse[id]?.remove(name == id ? 0 : Int(name.dropFirst(id.count + 1)) ?? 0)
        default: break
        }
    }
}
