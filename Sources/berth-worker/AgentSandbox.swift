// The agent as a building worker sees it: questions go out as reports, answers come back by number.
import BerthBuild
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import Synchronization

final class AgentSandbox: BuildSandbox {
    private struct State {
        var next = 1
        var waiting: [Int: CheckedContinuation<BuildAnswer, Never>] = [:]
        var isOver = false
    }

    private let state = Mutex(State())
    private let send: @Sendable (WorkerReport) -> Void

    /// - Parameter answers: where numbered answers are read from, a line each.
    init(answers: Int32, send: @escaping @Sendable (WorkerReport) -> Void) {
        self.send = send
        BackgroundThread.start { [self] in
            let reader = LineReader(answers, lineBytesMax: 64 << 20)
            while let line = try? reader.next() {
                guard let answer = try? JSONDecoder().decode(NumberedAnswer.self, from: Data(line)) else { continue }
                state.withLock { $0.waiting.removeValue(forKey: answer.number) }?.resume(returning: answer.answer)
            }
            let left = state.withLock { state in
                state.isOver = true
                defer { state.waiting = [:] }
                return Array(state.waiting.values)
            }
            for continuation in left { continuation.resume(returning: .failed(AgentSandbox.gone)) }
        }
    }

    private static let gone = BerthError(.unavailable, "building", cause: "the agent is gone", hint: "try again")

    private func ask(_ question: BuildQuestion) async throws -> BuildAnswer {
        let answer = await withCheckedContinuation { continuation in
            let number = state.withLock { state -> Int? in
                if state.isOver { return nil }
                defer { state.next += 1 }
                state.waiting[state.next] = continuation
                return state.next
            }
            if let number {
                send(.question(number, question))
            } else {
                continuation.resume(returning: .failed(AgentSandbox.gone))
            }
        }
        if case .failed(let error) = answer { throw error }
        return answer
    }

    private func unexpected(_ answer: BuildAnswer) -> BerthError {
        BerthError(.internal, "building", cause: "the agent answered something else than was asked: \(answer)")
    }

    func image(_ reference: String, _ platform: Platform?, pulls: Bool) async throws -> BaseImage {
        let answer = try await ask(.image(reference: reference, platform: platform, pulls: pulls))
        guard case .image(let image) = answer else { throw unexpected(answer) }
        return image
    }

    func cached(_ key: Digest) async throws -> CachedStep? {
        let answer = try await ask(.cached(key))
        guard case .cached(let step) = answer else { throw unexpected(answer) }
        return step
    }

    func keep(_ step: CachedStep, directory: String) async throws {
        _ = try await ask(.keep(step, directory: directory))
    }

    func fetch(_ address: String, git: GitRequest?, into directory: String) async throws -> FetchedFile {
        let answer = try await ask(.fetch(address: address, directory: directory, git: git))
        guard case .fetched(let file) = answer else { throw unexpected(answer) }
        return file
    }

    func run(_ step: RunStep) async throws -> (exitCode: Int32, output: [String]) {
        let answer = try await ask(.run(step))
        guard case .ran(let exitCode, let output) = answer else { throw unexpected(answer) }
        return (exitCode, output)
    }
}
