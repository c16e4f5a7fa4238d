// The life of a served registry: the process that talks to clients, its questions to the agent, and the end of both.
import BerthControl
import BerthLinux
import BerthModel
import FoundationEssentials
import Synchronization

final class RegistrySession: Sendable {
    private enum Happening: Sendable {
        case began(Int32)
        case question(NumberedSharingQuestion)
        case interrupted
        case ended
    }

    private let request: ServeRequest
    private let socket: SharedDescriptor
    private let poller: Poller
    private let signals: SignalWatch
    private let questions: (read: SharedDescriptor, write: SharedDescriptor)
    private let answers: (read: SharedDescriptor, write: SharedDescriptor)
    private let turn = Mutex(())

    /// - Parameter socket: bound and listening.
    init(_ request: ServeRequest, socket: SharedDescriptor) throws {
        self.request = request
        self.socket = socket
        poller = try Poller()
        signals = try SignalWatch([SignalWatch.interrupt, SignalWatch.terminate])
        questions = try BerthLinux.Process.pipe()
        answers = try BerthLinux.Process.pipe()
    }

    /// Serves until a signal comes or the server ends; its exit code.
    func run(begun: () -> Void) async throws -> Int32 {
        let (happenings, continuation) = AsyncStream<Happening>.makeStream()
        poller.add(signals.number) { [signals] in
            if !signals.take().isEmpty { continuation.yield(.interrupted) }
        }
        let program = try AgentConnection.find("berth-worker")
        let input = SharedDescriptor(
            try FileIO.sealedMemory("berth-serve", Array(try JSONEncoder().encode(request))))
        // The server ends with the thread that started it: this one, which stays as long as there are questions.
        BackgroundThread.start { [self] in
            let numbers = [input.number, questions.write.number, 2, socket.number, answers.read.number]
            if let child = try? BerthLinux.Process.spawn(
                program, ["berth-worker", "registry"], descriptors: numbers, newSession: true)
            {
                continuation.yield(.began(child))
            }
            for end in [questions.write, answers.read, socket] { end.closeEarly() }
            let reader = LineReader(questions.read.number, lineBytesMax: 8 << 20)
            while let line = try? reader.next() {
                guard let asked = try? JSONDecoder().decode(NumberedSharingQuestion.self, from: Data(line)) else {
                    continue
                }
                continuation.yield(.question(asked))
            }
            continuation.yield(.ended)
            // The server's end is the end of this process too, so the thread may go.
        }
        var child: Int32?
        for await happening in happenings {
            switch happening {
            case .began(let number):
                child = number
                begun()
            case .question(let asked): Task { await answer(asked) }
            case .interrupted: answers.write.closeEarly()
            case .ended: return try child.map { try BerthLinux.Process.wait($0) } ?? 1
            }
        }
        return 1
    }

    private func answer(_ asked: NumberedSharingQuestion) async {
        var answer: SharingAnswer
        do { answer = try await RegistrySession.ask(asked.question) } catch let error as BerthError {
            answer = .failed(error)
        } catch {
            answer = .failed(BerthError(.internal, "asking the agent", cause: "\(error)"))
        }
        guard let line = try? JSONEncoder().encode(NumberedSharingAnswer(number: asked.number, answer: answer)) else {
            return
        }
        // Ignored: a server that is gone takes no answers.
        turn.withLock { _ in try? FileIO.write(number: answers.write.number, Array(line) + [0x0A]) }
    }

    /// Each question finds the agent anew: one that has left or died is started, and none is kept from leaving. Asking
    /// twice does no harm.
    static func ask(_ question: SharingQuestion) async throws -> SharingAnswer {
        for _ in 1..<attempts {
            do { return try await askOnce(question) } catch let error as BerthError where error.code == .unavailable {}
        }
        return try await askOnce(question)
    }

    private static let attempts = 3

    private static func askOnce(_ question: SharingQuestion) async throws -> SharingAnswer {
        let client = try await AgentConnection.client()
        switch question {
        case .names: return .names(try await client.sharedNames())
        case .pack(let reference): return .packed(try await client.packShared(reference))
        case .take(let upload):
            try await client.takeShared(upload)
            return .done
        case .remove(let reference):
            try await client.removeShared(reference)
            return .done
        }
    }
}
