import BerthLinux
import BerthModel
import BerthStore

final class ContextTree: Sendable {
    let path: String
    init(_ path: String) { self.path = path }
    static func open(_ path: String, dockerfile: String?, fileBook: String = "") throws -> ContextTree {
        ContextTree(path)
    }
    func save() {}
    func mount(_ path: String, scratch: String, _ session: BuildSession) async throws -> (StepMount.Source, String) {
        (.tree(lowers: [self.path], path: path, scratch: scratch), "x")
    }
}
extension StageBuild {
    mutating func take(_ copy: CopyInstruction, _ instruction: Instruction) async throws {
        throw failure(instruction.place, "COPY is not there yet")
    }
}
