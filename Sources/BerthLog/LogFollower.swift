// Following a log as it grows, across rotation, woken by the kernel.
import BerthLinux
import BerthModel
import Synchronization

/// Yields the wanted lines that are there, then each new one, until told that no more will come.
package final class LogFollower: Sendable {
    package let lines: AsyncStream<LogLine>
    private let continuation: AsyncStream<LogLine>.Continuation
    private let path: String
    private let selection: LogSelection
    private let poller: Poller
    private let watch: DirectoryWatch
    private let state: Mutex<State>

    private struct State {
        var file: SharedDescriptor?
        var inode: UInt64 = 0
        var pending: [UInt8] = []
        var isFinished = false
    }

    package init(_ path: String, _ selection: LogSelection, poller: Poller) throws {
        self.path = path
        self.selection = selection
        self.poller = poller
        (lines, continuation) = AsyncStream.makeStream()
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        watch = try DirectoryWatch(directory)
        state = Mutex(State())
        begin()
        poller.add(watch.number) { [weak self] in
            guard let self else { return }
            self.watch.drain()
            self.readMore()
        }
    }

    /// What is there, by selection; then the position is the end of the current file.
    private func begin() {
        state.withLock { state in
            open(&state)
            if let file = state.file {
                var old = selection
                if old.tail == 0 { old.tail = 0 }
                LogFile(path: path).read(old) { continuation.yield($0) }
                // Lines that came between are read again from the end that was seen; the log is line-buffered by its writer.
                FilePosition.toEnd(file.number)
            }
        }
    }

    private func open(_ state: inout State) {
        guard let file = try? Directory.open(path), let status = try? FileStatus.of(file.number) else { return }
        state.file = SharedDescriptor(file)
        state.inode = status.inode
        state.pending = []
    }

    private func readMore() {
        state.withLock { state in
            if state.isFinished { return }
            if state.file == nil { open(&state) }
            drain(&state)
            // A new file under the name: the old one was read to its end just now.
            if let current = try? FileStatus.of(path), current.inode != state.inode {
                drain(&state)
                open(&state)
                drain(&state)
            }
        }
    }

    private func drain(_ state: inout State) {
        guard let file = state.file else { return }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while let count = try? FileIO.readSome(file.number, &chunk), count > 0 {
            state.pending.append(contentsOf: chunk[..<count])
            state.pending = LogFile.drain(state.pending) { if selection.admits($0) { continuation.yield($0) } }
        }
    }

    /// The writer has ended: what is left is read, then the stream ends.
    package func finish() {
        readMore()
        let first = state.withLock { state in
            defer { state.isFinished = true }
            return !state.isFinished
        }
        guard first else { return }
        poller.remove(watch.number)
        continuation.finish()
    }
}
