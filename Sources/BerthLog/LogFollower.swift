// Following a log as it grows, across rotation, woken by the kernel.
import BerthLinux
import BerthModel
import Synchronization

/// Yields the wanted lines that are there, then each new one, until told that no more will come.
///
/// Lines are read when they are asked for: a slow reader holds nothing in memory, the file holds it.
package final class LogFollower: Sendable {
    private let log: LogFile
    private let selection: LogSelection
    private let poller: Poller
    private let watch: DirectoryWatch
    private let state: Mutex<State>

    private struct State {
        /// To be read in this order; the last one stays open and grows.
        var files: [LogFile.OpenFile] = []
        var offsetBytes: Int64 = 0
        var pending: [UInt8] = []
        /// Read but not asked for yet, last first.
        var ready: [LogLine] = []
        var waiter: CheckedContinuation<Void, Never>?
        /// The kernel spoke since the files were last looked at.
        var isStale = false
        var isFinished = false
        var isCancelled = false
    }

    private static let chunkBytes = 64 << 10

    package init(_ path: String, _ selection: LogSelection, poller: Poller) throws {
        log = LogFile(path: path)
        self.selection = selection
        self.poller = poller
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        watch = try DirectoryWatch(directory)
        var begin = State()
        begin.files = log.openAll()
        if let tail = selection.tail {
            let end = LogFile.tail(of: begin.files, tail, selection)
            begin.ready = end.lines.reversed()
            begin.files = begin.files.suffix(1)
            begin.offsetBytes = end.offsetBytes
            begin.pending = end.pending
            if let file = begin.files.first { FilePosition.to(file.number, end.offsetBytes) }
        }
        state = Mutex(begin)
        poller.add(watch.number) { [weak self] in
            guard let self else { return }
            self.watch.drain()
            self.wake { $0.isStale = true }
        }
    }

    deinit { poller.remove(watch.number) }

    /// One reader at a time.
    package var lines: AsyncStream<LogLine> {
        AsyncStream(unfolding: { await self.next() }, onCancel: { self.wake { $0.isCancelled = true } })
    }

    /// The writer has ended: what is left is read, then the stream ends.
    package func finish() { wake { $0.isFinished = true } }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    private func next() async -> LogLine? {
        while true {
            let step = state.withLock { state -> Step in
                if state.isCancelled { return .end }
                // Looked at before the files are: what comes after wakes us again.
                let isFinished = state.isFinished
                state.isStale = false
                if state.ready.isEmpty { fill(&state) }
                if let line = state.ready.popLast() {
                    if !selection.isAfter(line) { return .line(line) }
                    state.isCancelled = true
                    return .end
                }
                return isFinished ? .end : .wait
            }
            switch step {
            case .line(let line): return line
            case .end: return nil
            case .wait: await wait()
            }
        }
    }

    private enum Step { case line(LogLine), end, wait }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.isStale || state.isFinished || state.isCancelled { return true }
                state.waiter = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// Reads until there are lines, or the newest file has no more.
    private func fill(_ state: inout State) {
        while state.ready.isEmpty {
            guard let file = state.files.first else {
                state.files = log.openAll()
                if state.files.isEmpty { return }
                continue
            }
            if read(file, &state) { continue }
            if state.files.count == 1 {
                guard let newer = filesNewer(than: file) else { return }
                // Its writer closed the old file before the new one had its name: what came last is there now.
                if read(file, &state) { continue }
                state.files += newer
            }
            state.files.removeFirst()
            state.offsetBytes = 0
            state.pending = []
        }
    }

    /// One chunk; false at the end.
    private func read(_ file: LogFile.OpenFile, _ state: inout State) -> Bool {
        var chunk = [UInt8](repeating: 0, count: LogFollower.chunkBytes)
        // Ignored: a read error of a regular file reads as its end.
        var count = (try? FileIO.readSome(file.number, &chunk)) ?? 0
        if count == 0, let status = try? FileStatus.of(file.number), status.sizeBytes < state.offsetBytes {
            // Somebody emptied the file under us; its writer appends from the start.
            FilePosition.to(file.number, 0)
            state.offsetBytes = 0
            state.pending = []
            count = (try? FileIO.readSome(file.number, &chunk)) ?? 0
        }
        guard count > 0 else { return false }
        state.offsetBytes += Int64(count)
        state.pending.append(contentsOf: chunk[..<count])
        var lines: [LogLine] = []
        state.pending = LogFile.drain(state.pending) { if !selection.isBefore($0) { lines.append($0) } }
        state.ready = lines.reversed()
        return true
    }

    /// Nil: this is the newest one still.
    private func filesNewer(than file: LogFile.OpenFile) -> [LogFile.OpenFile]? {
        // Ignored: no name means that the next file is not made yet; its making wakes us.
        guard let current = try? FileStatus.of(log.path), current.inode != file.inode else { return nil }
        let files = log.openAll()
        // Rotated away altogether: all that is there is newer.
        let begin = files.firstIndex { $0.inode == file.inode }.map { $0 + 1 } ?? 0
        return begin < files.count ? Array(files[begin...]) : nil
    }
}
