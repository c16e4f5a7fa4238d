// Questions to who started the registry, and through it to the agent: numbered lines out, numbered lines in.
import BerthLinux
import BerthModel
import FoundationEssentials
import Synchronization

final class AgentVoice: Sendable {
    private struct State {
        var next = 1
        var waiting: [Int: CheckedContinuation<SharingAnswer, Never>] = [:]
        var isOver = false
    }

    private let state = Mutex(State())
    private let questions: Int32
    private let turn = Mutex(())

    /// - Parameters:
    ///   - questions: where they are written to.
    ///   - answers: where they come from; its end is the end of the registry.
    init(questions: Int32, answers: Int32, ended: @escaping @Sendable () -> Void) {
        self.questions = questions
        BackgroundThread.start { [self] in
            let reader = LineReader(answers, lineBytesMax: 64 << 20)
            while let line = try? reader.next() {
                guard let answer = try? JSONDecoder().decode(NumberedSharingAnswer.self, from: Data(line)) else {
                    continue
                }
                state.withLock { $0.waiting.removeValue(forKey: answer.number) }?.resume(returning: answer.answer)
            }
            let left = state.withLock { state in
                state.isOver = true
                defer { state.waiting = [:] }
                return Array(state.waiting.values)
            }
            for continuation in left { continuation.resume(returning: .failed(AgentVoice.gone)) }
            ended()
        }
    }

    private static let gone = BerthError(.unavailable, "serving images", cause: "the registry is ending")

    func ask(_ question: SharingQuestion) async throws -> SharingAnswer {
        let answer = await withCheckedContinuation { continuation in
            let number = state.withLock { state -> Int? in
                if state.isOver { return nil }
                defer { state.next += 1 }
                state.waiting[state.next] = continuation
                return state.next
            }
            let line = number.flatMap {
                try? JSONEncoder().encode(NumberedSharingQuestion(number: $0, question: question))
            }
            let isSent = line.map { line in
                turn.withLock { _ in (try? FileIO.write(number: questions, Array(line) + [0x0A])) != nil }
            }
            if isSent == true { return }
            let mine = number.flatMap { number in state.withLock { $0.waiting.removeValue(forKey: number) } }
            (number == nil ? continuation : mine)?.resume(returning: .failed(AgentVoice.gone))
        }
        if case .failed(let error) = answer { throw RegistryError(error) }
        return answer
    }
}
